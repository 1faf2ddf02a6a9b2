"""Ports of the loopback address, and waiting for what shall answer on them."""

import socket
import subprocess
import time
import urllib.request


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until_answers(url: str, *, seconds: float, process: subprocess.Popen | None = None) -> None:
    """Return when a GET of the address succeeds.

    Raises
    ------
    AssertionError
        When it does not in time, or the process behind it has ended.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process is None or process.poll() is None, f"what should answer at {url} has ended"
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer in {seconds:g} seconds")


def wait_until_ready(port: int, *, seconds: float = 10, process: subprocess.Popen | None = None) -> None:
    """Return when the service on a port can decide."""
    wait_until_answers(f"http://127.0.0.1:{port}/health/ready", seconds=seconds, process=process)
