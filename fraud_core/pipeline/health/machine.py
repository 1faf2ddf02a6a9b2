"""The machine and the environment: interpreter, packages, disk and port."""

import re
import shutil
import socket
import sys
from importlib import metadata
from pathlib import Path

from fraud_core.pipeline.health.check import Check
from fraud_core.pipeline.paths import within_project

PYTHONS = ((3, 11), (3, 14))
PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)[ ]*(;[^\n\\]*)?", re.MULTILINE)
FREE_BYTES = 5 << 30  # a full run writes some 3 GiB: data versions, their cache, kept cells


def check_python() -> Check:
    """Whether the interpreter is one that the packages are pinned for."""
    version = sys.version_info[:2]
    words = f"Python {version[0]}.{version[1]}"
    if PYTHONS[0] <= version < PYTHONS[1]:
        return Check("python", "ok", words)
    return Check("python", "wrong", f"{words}, expected 3.11 to 3.13", "make env PYTHON=path")


def check_packages() -> Check:
    """Whether the installed packages are those of the lock."""
    path = within_project("requirements.lock")
    if not path.is_file():
        return Check("packages", "wrong", "no requirements.lock", "git checkout requirements.lock")
    pinned = pinned_versions(path.read_text(encoding="utf-8"))
    others = [
        f"{name} {installed or 'missing'} (pinned {version})"
        for name, version in pinned.items()
        if (installed := _installed(name)) != version
    ]
    if not others:
        return Check("packages", "ok", f"{len(pinned)} packages as pinned")
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return Check("packages", "wrong", f"{', '.join(others[:3])}{more}", "rm -r .venv && make env")


def pinned_versions(lock: str) -> dict[str, str]:
    """The packages that a lock pins for every platform; those of some platforms are left out.

    Examples
    --------
    >>> pinned_versions(
    ...     "a-b==1.0 \\\\\\n    --hash=sha256:0\\nc==2 ; sys_platform == 'win32' \\\\\\n"
    ... )
    {'a-b': '1.0'}
    """
    return {name: version for name, version, marker in PINNED.findall(lock) if not marker}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_disk() -> Check:
    """Whether a run has room to write."""
    free = shutil.disk_usage(within_project(".")).free
    words = f"{free / (1 << 30):.1f} GiB free"
    if free >= FREE_BYTES:
        return Check("disk", "ok", words)
    return Check(
        "disk", "wrong", f"{words}, a run needs 5", "dvc gc --workspace, or free some space"
    )


def check_port(port: int) -> Check:
    """Whether the service could listen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            words = f"port {port}: {(error.strerror or str(error)).lower()}"
            return Check("port", "notice", words, f"make serve PORT={port + 1}")
    return Check("port", "ok", f"port {port} is free")


def check_compiler(kernel: Path) -> Check:
    """Whether the compiled scorer is there, or could be made."""
    if kernel.is_file():
        return Check("compiled scorer", "ok", "compiled")
    if shutil.which("cc"):
        return Check("compiled scorer", "notice", "not compiled yet", "make serve compiles it")
    return Check(
        "compiled scorer", "notice", "no C compiler: single rows are scored by NumPy", "install cc"
    )
