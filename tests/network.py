"""Ports of the loopback address, and waiting for what shall answer on them."""

import socket
import subprocess
import urllib.request

from tests.waiting import wait_until

ANSWER_SECONDS = 60.0  # for one answer of a service that is up, on a busy machine


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until_answers(url: str, process: subprocess.Popen | None = None) -> None:
    """Return when a GET of the address succeeds.

    Raises
    ------
    AssertionError
        When the process behind it has ended or hangs, or the end of waiting was reached.
    """

    def answers() -> bool:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            return False
        return True

    wait_until(answers, f"an answer at {url}", process)


def wait_until_ready(port: int, process: subprocess.Popen | None = None) -> None:
    """Return when the service on a port can decide."""
    wait_until_answers(f"http://127.0.0.1:{port}/health/ready", process)
