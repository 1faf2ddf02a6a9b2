"""Workers whose master was killed, and a second start beside a service that runs."""

import os
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from serve.runtime.lifeline import end_with_master
from tests.network import free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until, wait_until_ended


def children(parent):
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in text.split()]


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_process_that_no_master_spawned_is_left_alone():
    end_with_master()


@pytest.mark.slow
def test_workers_end_with_a_master_that_was_killed_and_the_next_start_has_its_port(environment):
    own = environment | {"FRAUD_PORT": str(free_port()), "FRAUD_WORKERS": "2"}
    port = int(own["FRAUD_PORT"])
    with start(**own) as process:
        wait_until_ready(port, process)
        workers = children(process.pid)
        assert len(workers) >= 2
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not any(map(runs, workers)), "the end of the workers")
    with start(**own) as process:
        wait_until_ready(port, process)
        process.terminate()
        wait_until_ended(process)
    assert process.returncode == 0


@pytest.mark.slow
def test_second_start_takes_nothing_from_a_service_that_runs(environment):
    own = environment | {"FRAUD_PORT": str(free_port()), "FRAUD_WORKERS": "2"}
    port, counters = int(own["FRAUD_PORT"]), Path(own["FRAUD_STATE_DIR"]) / "workers"
    with start(**own) as process:
        try:
            wait_until_ready(port, process)
            before = sorted(counters.glob("*.counters"))
            with start(**own) as second:
                _, port_taken = wait_until_ended(second)
            with start(**own | {"FRAUD_PORT": str(free_port())}) as third:
                _, folder_taken = wait_until_ended(third)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready") as answer:
                assert answer.status == 200
            after = sorted(counters.glob("*.counters"))
        finally:
            process.terminate()
            wait_until_ended(process)
    assert len(before) == 2
    assert after == before
    assert (second.returncode, third.returncode) == (1, 1)
    assert port_taken.startswith("error: FRAUD_HOST 127.0.0.1, FRAUD_PORT")
    assert folder_taken.startswith("error: FRAUD_STATE_DIR state: another service runs")
    assert len((port_taken + folder_taken).splitlines()) == 2


@pytest.mark.slow
def test_start_that_cannot_bind_changes_no_state(environment):
    workers = Path(environment["FRAUD_STATE_DIR"]) / "workers"
    workers.mkdir(parents=True)
    (workers / "7.counters").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with start(**environment, FRAUD_PORT=str(taken.getsockname()[1])) as process:
            wait_until_ended(process)
    assert process.returncode == 1
    assert [path.name for path in workers.iterdir()] == ["7.counters"]
