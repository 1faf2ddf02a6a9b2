"""One run at a time: who holds a folder of results is said in one line."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.paths import within_project

LOCKS = "scratch/locks"


@contextmanager
def run_lock(name: str) -> Iterator[None]:
    """Hold a lock of this checkout while the block runs; it is released however the block ends.

    Parameters
    ----------
    name
        What is held, for the message.

    Raises
    ------
    FraudCoreError
        When another process holds it; the message names the process and since when.
    """
    if os.name == "nt":  # fcntl is POSIX's; DVC's own lock is all there is
        yield
        return
    import fcntl

    path = within_project(LOCKS) / f"{name.replace(' ', '-').replace('/', '-')}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise FraudCoreError(
                f"{name}: {holder} is at it; wait until it ends, or end it"
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()} (since {time.strftime('%H:%M:%S')})")
        lock.flush()
        yield
        lock.truncate(0)
