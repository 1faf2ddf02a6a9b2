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


def progress_bar() -> Callable[[str, int, int], None]:
    """A function of (what, done, total) that shows how far a long step has come.

    On a terminal it redraws one line; elsewhere it prints a line at the end of a step and every ten
    seconds.
    """
    shown = {"what": "", "at": 0.0}
    redirected = os.environ.get(PROGRESS_FILE)

    def show(what: str, done: int, total: int) -> None:
        now, finished = time.monotonic(), bool(total) and done >= total
        terminal = sys.stderr.isatty() and not redirected
        pause = 0.1 if terminal else LOG_EVERY_SECONDS
        if what == shown["what"] and not finished and now - shown["at"] < pause:
            return
        if what != shown["what"]:
            shown.update(what=what)
        shown["at"] = now
        line = _line(what, done, total, terminal) + ("" if terminal and not finished else "\n")
        if redirected:
            with open(redirected, "a", encoding="utf-8") as out:
                out.write(line)
        else:
            print(line, end="", file=sys.stderr, flush=True)

    return show


def _line(what: str, done: int, total: int, terminal: bool) -> str:
    amount = (
        f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
        if max(done, total) > 100_000
        else f"{done} of {total}"
    )
    if not total:
        return f"  {what}: {done / 1e6:.1f} MB"
    if not terminal:
        return f"  {what}: {amount}"
    filled = int(WIDTH * min(done, total) / total)
    return f"\r  {what} [{'#' * filled}{'.' * (WIDTH - filled)}] {amount} "
