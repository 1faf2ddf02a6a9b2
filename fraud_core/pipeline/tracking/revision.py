"""The revision of the code that made something."""

import subprocess

from fraud_core.pipeline.paths import within_project

# What the pipeline writes while it runs is no change of the user's.
WRITTEN = ("dvc.lock", "results")


def git_revision() -> str:
    """The commit that is checked out, with ``-dirty`` when
    the user's files differ from it; ``unknown`` without git.
    """
    try:
        head = _git("rev-parse", "HEAD")
    except FileNotFoundError:
        return "unknown"
    if head.returncode:
        return "unknown"
    own = _git("diff", "--quiet", "HEAD", "--", ".", *(f":(exclude){name}" for name in WRITTEN))
    return head.stdout.strip() + ("-dirty" if own.returncode else "")


def _git(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["git", *arguments], cwd=within_project("."), capture_output=True, text=True, check=False
    )
