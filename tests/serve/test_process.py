"""The service as a process of its own, as a user starts it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

from tests.conftest import ROOT
from tests.serve.test_app import champion  # noqa: F401 - fixture


def start(**environment):
    return subprocess.Popen(
        [sys.executable, "-m", "serve"], cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_service_starts_answers_and_stops(champion):  # noqa: F811
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with start(FRAUD_MODEL_DIR=str(champion), FRAUD_PORT=str(port)) as process:
        address = f"http://127.0.0.1:{port}/health/ready"
        for _ in range(100):
            try:
                with urllib.request.urlopen(address, timeout=2) as answer:
                    assert answer.status == 200
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError("the service did not become ready in ten seconds")
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors


def test_missing_bundle_is_one_clear_line(tmp_path):
    with start(FRAUD_MODEL_DIR=str(tmp_path / "nothing")) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("error: nothing: no bundle there")
    assert len(errors.splitlines()) == 1


def test_serving_imports_no_training_library():
    code = (
        "import sys, serve.app\n"
        "heavy = {'catboost', 'sklearn', 'pandas', 'polars', 'scipy', 'matplotlib', 'mlflow', 'pickle5', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
