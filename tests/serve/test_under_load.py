"""The service under load: killed, stopped, reloaded, and over time."""

import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.network import free_port, wait_until_ready
from tests.serve.conftest import another, start
from tests.serve.load import Load
from tests.waiting import wait_until_ended

KILLS = 20


def workers(parent):
    """Processes of the service that answer."""
    children = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"spawn_main" in command:
            children.append(int(child))
    return children


@pytest.mark.slow
def test_kill_under_load_loses_no_acknowledged_decision(environment, decision, tmp_path):
    port, chance = free_port(), random.Random(0)
    with start(**environment, FRAUD_PORT=str(port), FRAUD_WORKERS="2") as process:
        try:
            wait_until_ready(port, process)
            with Load(port, "/v1/decisions", decision) as load:
                for _ in range(KILLS):
                    time.sleep(0.15)
                    alive = workers(process.pid)
                    if alive:
                        os.kill(chance.choice(alive), signal.SIGKILL)
                    before, patience = len(load.answers), time.monotonic() + 20
                    while len(load.answers) < before + 20 and time.monotonic() < patience:
                        time.sleep(0.05)
        finally:
            process.terminate()
            wait_until_ended(process)
    acknowledged = [
        json.loads(body)["decision_id"] for status, body in load.answers if status == 200
    ]
    with sqlite3.connect(tmp_path / "state/decisions.db") as database:
        recorded = {row[0] for row in database.execute("SELECT decision_id FROM decisions")}
    assert len(acknowledged) > 20 * KILLS
    assert set(acknowledged) <= recorded
    assert len(set(acknowledged)) == len(acknowledged)


@pytest.mark.slow
def test_end_under_load_answers_what_was_begun(environment, decision, tmp_path):
    port = free_port()
    with start(**environment, FRAUD_PORT=str(port), FRAUD_WORKERS="2") as process:
        wait_until_ready(port, process)
        with Load(port, "/v1/decisions", decision) as load:
            time.sleep(1.0)
            process.terminate()
            _, errors = wait_until_ended(process)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert {status for status, _ in load.answers} == {200}
    # what broke was refused by the socket after the end, or was an idle connection that the service
    # closed
    kinds = {type(error) for error in load.broken}
    assert kinds <= {
        ConnectionRefusedError,
        ConnectionResetError,
        http.client.RemoteDisconnected,
        BrokenPipeError,
    }


@pytest.mark.slow
def test_reload_under_load_drops_no_request(environment, champion, transactions, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(champion, folder)
    second = another(champion, tmp_path / "second", threshold=0.123)
    port = free_port()
    with start(
        **environment | {"FRAUD_MODEL_DIR": str(folder)}, FRAUD_PORT=str(port), FRAUD_WORKERS="2"
    ) as process:
        try:
            wait_until_ready(port, process)
            with Load(port, "/predict", transactions[0]) as load:
                time.sleep(0.5)
                shutil.move(folder, tmp_path / "old")
                second.rename(folder)
                time.sleep(5.0)
        finally:
            process.terminate()
            wait_until_ended(process)
    assert load.broken == []
    assert {status for status, _ in load.answers} == {200}
    versions = [json.loads(body)["model_version"] for _, body in load.answers]
    assert len(set(versions)) == 2
    assert len(set(versions[-100:])) == 1


@pytest.mark.slow
def test_memory_stays_flat(environment, decision, transactions):
    """A soak, bounded to seconds: what a worker holds
    after many requests is what it held after some.
    """
    port = free_port()
    with start(**environment, FRAUD_PORT=str(port), FRAUD_WORKERS="1") as process:
        try:
            wait_until_ready(port, process)
            seen = []
            for _ in range(4):
                for path, body in (("/predict", transactions[0]), ("/v1/decisions", decision)):
                    with Load(port, path, body, n_clients=4) as load:
                        time.sleep(2.0)
                    assert {status for status, _ in load.answers} == {200}
                seen.append(resident_mb(process.pid))
        finally:
            process.terminate()
            wait_until_ended(process)
    assert seen[-1] - seen[1] < 3.0, seen


def resident_mb(pid):
    line = next(
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024
