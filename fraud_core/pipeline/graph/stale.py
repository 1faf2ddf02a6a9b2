"""Which stages are older in dvc.lock than what they depend on, by `dvc status`."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from fraud_core.errors import ResultError
from fraud_core.pipeline.paths import within_project

# Data, models and quick results are not in git: where they were never made there is nothing to
# compare. DVC calls an output "deleted" when its cache still holds it, and "not in cache" when that
# is absent too, as in a fresh clone.
ABSENT = frozenset({"deleted", "not in cache"})


def stale_stages() -> dict[str, list[str]]:
    """What changed since each stale stage was run, by stage; a stage that is current has no entry.

    Raises
    ------
    ResultError
        When DVC cannot read the pipeline.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    run = subprocess.run(
        command, cwd=within_project("."), capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise ResultError(f"dvc status: {run.stderr.strip().splitlines()[-1]}")
    return changes(json.loads(run.stdout))


def changes(status: Mapping[str, list[Any]]) -> dict[str, list[str]]:
    """The changes that a status of DVC names, without files that are not on this machine.

    Examples
    --------
    >>> changes(
    ...     {
    ...         "train": [
    ...             {"changed deps": {"a.py": "modified", "data/v0": "deleted"}},
    ...             "changed command",
    ...         ]
    ...     }
    ... )
    {'train': ['a.py', 'changed command']}
    """
    digests = {
        stage: [name for part in parts for name in _changed(part)]
        for stage, parts in status.items()
    }
    return {stage: names for stage, names in digests.items() if names}


def _changed(part: str | Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if isinstance(part, str):
        yield part
        return
    for entries in part.values():
        for path, state in entries.items():
            if isinstance(state, Mapping):
                yield from (f"{path}:{key}" for key in state)
            elif state not in ABSENT:
                yield path
