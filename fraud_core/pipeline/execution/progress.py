"""Progress on standard error: a bar where a person
watches, a line now and then where a log does.
"""

import os
import sys
import time
from collections.abc import Callable

# Names a file that takes the progress lines instead: the notebook runner shows it, so that no line
# enters a notebook.
PROGRESS_FILE = "FRAUD_CORE_PROGRESS_FILE"
WIDTH = 28
LOG_EVERY_SECONDS = 10.0
TIMED_FROM_SECONDS = 5.0  # shorter steps are over before anybody asks how long they take


def progress_bar() -> Callable[[str, int, int], None]:
    """A function of (what, done, total) that shows how far a long step has come.

    On a terminal it redraws one line; elsewhere it prints a line at the end of a step and every ten
    seconds. A step of more than five seconds shows the time it has taken and the time left, at the
    pace since its first call.
    """
    shown = {"what": "", "at": 0.0, "begun": 0.0, "first": 0}
    redirected = os.environ.get(PROGRESS_FILE)

    def show(what: str, done: int, total: int) -> None:
        now, finished = time.monotonic(), bool(total) and done >= total
        terminal = sys.stderr.isatty() and not redirected
        pause = 0.1 if terminal else LOG_EVERY_SECONDS
        if what == shown["what"] and not finished and now - shown["at"] < pause:
            return
        if what != shown["what"]:
            shown.update(what=what, begun=now, first=done)
        shown["at"] = now
        times = times_in_words(now - shown["begun"], done - shown["first"], total - done)
        line = _line(what, done, total, terminal, times)
        line += "" if terminal and not finished else "\n"
        if redirected:
            with open(redirected, "a", encoding="utf-8") as out:
                out.write(line)
        else:
            print(line, end="", file=sys.stderr, flush=True)

    return show


def times_in_words(elapsed_seconds: float, done: int, left: int) -> str:
    """Elapsed time and time left in words, empty for a step of less than five seconds.

    Parameters
    ----------
    elapsed_seconds
        Since the first call of the step.
    done, left
        Units of work since then, and those that remain.

    Examples
    --------
    >>> times_in_words(90.0, 30, 60), times_in_words(7.0, 0, 60), times_in_words(1.0, 1, 1)
    (', 1 min 30 s, 3 min left', ', 7 s', '')
    """
    if elapsed_seconds < TIMED_FROM_SECONDS:
        return ""
    words = f", {_duration(elapsed_seconds)}"
    if done > 0 and left > 0:
        words += f", {_duration(elapsed_seconds / done * left)} left"
    return words


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        rest = f" {whole % 60} s" if whole < 600 and whole % 60 else ""
        return f"{whole // 60} min{rest}"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _line(what: str, done: int, total: int, terminal: bool, times: str) -> str:
    amount = (
        f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
        if max(done, total) > 100_000
        else f"{done} of {total}"
    )
    if not total:
        return f"  {what}: {done / 1e6:.1f} MB{times}"
    if not terminal:
        return f"  {what}: {amount}{times}"
    filled = int(WIDTH * min(done, total) / total)
    return f"\r\x1b[K  {what} [{'#' * filled}{'.' * (WIDTH - filled)}] {amount}{times} "
