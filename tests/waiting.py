"""Waiting by progress: for as long as what is waited for gets on, however slow the machine is.

A process gets on while it and its children use CPU time. One that uses none for a minute hangs;
none is waited for longer than the end.
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

STILL_SECONDS = 60.0
END_SECONDS = 300.0
PAUSE_SECONDS = 0.05
Found = TypeVar("Found")


def wait_until(
    happened: Callable[[], Found], what: str, process: subprocess.Popen | None = None
) -> Found:
    """Return what a condition returns, as soon as it is true.

    Parameters
    ----------
    what
        What is waited for, in words.
    process
        The process that brings it about; without one, the end alone bounds the waiting.

    Raises
    ------
    AssertionError
        When the process ended or hangs, or the end was reached; a process that hangs is killed.
    """
    patience = _Patience(what, process)
    while not (found := happened()):
        assert process is None or process.poll() is None, (
            f"waiting for {what}: the process has ended"
        )
        patience.check()
        time.sleep(PAUSE_SECONDS)
    return found


def wait_until_ended(process: subprocess.Popen) -> tuple[str, str]:
    """What a process wrote to its output and its errors, when it has ended.

    Raises
    ------
    AssertionError
        When it hangs, or the end was reached; the process is killed then.
    """
    patience = _Patience("the end of a process", process)
    while True:
        try:
            return process.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            patience.check()


class _Patience:
    """Runs out when nothing has got on for a while, or at the end."""

    def __init__(self, what: str, process: subprocess.Popen | None):
        self._what, self._process, self._ticks = what, process, -1
        self._began = self._moved = time.monotonic()

    def check(self) -> None:
        now = time.monotonic()
        ticks = None if self._process is None else cpu_ticks(self._process.pid)
        if ticks is None or ticks != self._ticks:
            self._ticks, self._moved = ticks, now
        if now - self._moved > STILL_SECONDS:
            self._give_up(f"no CPU time in {STILL_SECONDS:g} seconds")
        if now - self._began > END_SECONDS:
            self._give_up(f"{END_SECONDS:g} seconds are over")

    def _give_up(self, why: str) -> NoReturn:
        if self._process is not None:
            self._process.kill()
        raise AssertionError(f"waiting for {self._what}: {why}")


def cpu_ticks(pid: int) -> int | None:
    """CPU time of a process and all below it, in ticks
    of the clock; None where the system does not tell.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return sum(int(field) for field in fields[11:15]) + sum(
        cpu_ticks(int(child)) or 0 for child in children
    )
