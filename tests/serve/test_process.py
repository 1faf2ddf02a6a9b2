"""The service as a process of its own, as a user starts it."""

import socket
import subprocess
import sys
import time

from tests.conftest import ROOT
from tests.network import free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until_ended


def test_service_starts_answers_and_stops(environment):
    port = free_port()
    with start(**environment, FRAUD_PORT=str(port)) as process:
        wait_until_ready(port, process)
        process.terminate()
        _, errors = wait_until_ended(process)
    assert "Traceback" not in errors


def test_missing_bundle_is_one_clear_line(environment, tmp_path):
    with start(**environment | {"FRAUD_MODEL_DIR": str(tmp_path / "nothing")}) as process:
        _, errors = wait_until_ended(process)
    assert process.returncode == 1
    assert errors.startswith("error: nothing: no bundle there")
    assert len(errors.splitlines()) == 1


def test_serving_imports_no_training_library():
    code = (
        "import sys, serve.app\n"
        "heavy = {'catboost', 'sklearn', 'pandas', 'polars', 'scipy', 'matplotlib', 'mlflow', "
        "'pickle5', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_port_in_use_is_one_clear_line(environment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with start(**environment, FRAUD_PORT=str(taken.getsockname()[1])) as process:
            output, errors = wait_until_ended(process)
    assert process.returncode == 1
    assert "listening" not in output
    assert errors.startswith("error: FRAUD_HOST 127.0.0.1, FRAUD_PORT")
    assert len(errors.splitlines()) == 1


def stall(port):
    """A connection whose request never gets its body."""
    stalled = socket.create_connection(("127.0.0.1", port))
    head = (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: "
        b"application/json\r\nContent-Length: 700\r\n"
    )
    stalled.sendall(head + b"\r\n{")
    return stalled


def test_stalled_client_is_answered_with_408(environment):
    port = free_port()
    with start(**environment, FRAUD_PORT=str(port)) as process:
        wait_until_ready(port, process)
        with stall(port) as stalled:
            assert b" 408 " in stalled.recv(200)
        process.terminate()
        wait_until_ended(process)


def test_stalled_client_does_not_hold_up_the_end(environment):
    port = free_port()
    with start(**environment, FRAUD_PORT=str(port)) as process:
        wait_until_ready(port, process)
        with stall(port):
            time.sleep(0.3)
            process.terminate()
            wait_until_ended(process)
