"""``doctor``: everything that can be wrong with a checkout, and how to mend it."""

from collections.abc import Callable

import msgspec

from fraud_core.pipeline.health import machine, project
from fraud_core.pipeline.health.check import Check
from fraud_core.pipeline.paths import within_project

MARKS = {"ok": "ok", "notice": "--", "wrong": "!!"}
KERNELS = "serve/scoring"


def examine(port: int, *, as_json: bool) -> int:
    """Run every check and print what each found; returns an exit code.

    Parameters
    ----------
    port
        Where the service would listen.

    Returns
    -------
    int
        0 when nothing is wrong, else 1; a notice is no error.
    """
    kernels = sorted(within_project(KERNELS).glob("kernel-*.so"))
    checks: tuple[Callable[[], Check], ...] = (
        machine.check_python,
        machine.check_packages,
        machine.check_disk,
        lambda: machine.check_port(port),
        lambda: machine.check_compiler(kernels[0] if kernels else within_project(KERNELS)),
        project.check_raw,
        project.check_versions,
        project.check_cache,
        project.check_lock,
        project.check_champion,
        project.check_mlflow,
    )
    results = [check() for check in checks]
    wrong = [check for check in results if check.state == "wrong"]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(results), indent=1).decode())
    else:
        print(*(_in_words(check) for check in results), sep="\n")
        print(f"wrong: {', '.join(check.name for check in wrong)}" if wrong else "nothing is wrong")
    return 1 if wrong else 0


def _in_words(check: Check) -> str:
    line = f"{MARKS[check.state]} {check.name:16} {check.found}"
    return line if not check.fix else f"{line}\n{'':20}mend: {check.fix}"
