"""A worker ends with its master: without one nobody would replace it, stop it or count with it."""

import asyncio
import multiprocessing
import signal


def end_with_master() -> None:
    """End this worker as SIGTERM does, as soon as its master has ended, however that ended.

    The pipe from the master that every spawned process has is at its end then. A process that was
    not spawned by a master is left alone.
    """
    master = multiprocessing.parent_process()
    if master is None:
        return
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(master.sentinel)
        print("warning: the main process ended, and this worker ends with it", flush=True)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(master.sentinel, end)
