"""One service for each state folder: two would remove each other's counters and kept bundles."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fraud_core.errors import ParameterError

LOCK = "service.lock"


@contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Hold a state folder; the system lets go of it when the process ends, however it ends.

    A folder in which nothing can be written is not locked, which is said: nothing that two services
    could take from each other is written there either.

    Raises
    ------
    ParameterError
        When another service holds it.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        file = (state_dir / LOCK).open("ab")
    except OSError as error:
        print(
            f"warning: FRAUD_STATE_DIR: the folder is not locked: {error.strerror}",
            file=sys.stderr,
            flush=True,
        )
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ParameterError(
                f"FRAUD_STATE_DIR {state_dir.name[:60]}: another service runs on this folder; stop "
                "it, or choose another folder"
            ) from error
        yield
