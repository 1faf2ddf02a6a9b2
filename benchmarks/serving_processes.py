"""The servers that benchmarks/serving.py measures, as
processes: started on the first core, their CPU time and memory.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving_services import ROOT, Service

START_SECONDS = 120


@contextmanager
def started(service: Service) -> Iterator[tuple[int, subprocess.Popen, float]]:
    """The service as a process on the first core, from its readiness to its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "taskset",
        "-c",
        "0",
        *(part.replace("{port}", str(port)) for part in service.command),
    ]
    own = {name: value.replace("{port}", str(port)) for name, value in service.environment.items()}
    environment = os.environ | own | {"FRAUD_PORT": str(port)}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}{service.ready}")
        yield port, process, time.perf_counter() - began
    finally:
        for pid in reversed(tree(process.pid)):
            os.kill(pid, 15)
        process.wait(timeout=30)


def wait_until_ready(process: subprocess.Popen, url: str) -> None:
    """Return when a service answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2)  # noqa: S310 - loopback
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"error: {url} did not become ready")


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(below for child in children for below in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process tree so far."""
    ticks = 0
    for process in tree(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of the largest process of a tree."""
    sizes = []
    for process in tree(pid):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        sizes += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
    return max(sizes)
