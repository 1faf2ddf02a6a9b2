"""The state folder on a real file system that is full, read-only, or goes away."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress

import pytest

from tests.network import ANSWER_SECONDS, free_port, wait_until_answers
from tests.serve.conftest import start
from tests.waiting import wait_until_ended

WARNING = "no file for the counters of this worker"


@contextmanager
def mounted(folder, *options):
    """A file system in memory at a folder; the test is left out where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(("mode=0777", *options)), "tmpfs", folder]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"no file system can be mounted here: {run.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def status(port, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", content, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def goes_on(port, transaction):
    """Whether a service scores and says how it is, without its store."""
    assert [status(port, "/predict", transaction) for _ in range(8)] == [200] * 8
    assert status(port, "/health/live") == 200
    assert status(port, "/health/ready?without=store") == 200
    assert status(port, "/metrics") == 200


@contextmanager
def serving(environment, folder):
    port = free_port()
    own = environment | {"FRAUD_STATE_DIR": str(folder), "FRAUD_PORT": str(port)}
    with start(**own, FRAUD_WORKERS="2") as process:
        seen = {}
        try:
            wait_until_answers(f"http://127.0.0.1:{port}/health/ready?without=store", process)
            yield port, seen
        finally:
            process.terminate()
            _, seen["errors"] = wait_until_ended(process)
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("options", [["size=16k"], ["ro"]], ids=["full", "read-only"])
def test_scoring_goes_on_where_nothing_can_be_written(
    environment, tmp_path, transactions, decision, options
):
    folder = tmp_path / "small"
    with mounted(folder, *options):
        with serving(environment, folder) as (port, seen):
            goes_on(port, transactions[0])
            assert status(port, "/v1/decisions", decision) == 503
        assert seen["errors"].count(WARNING) == 2  # once for each worker
        assert "Traceback" not in seen["errors"]


@pytest.mark.slow
def test_scoring_goes_on_when_the_folder_vanishes(environment, tmp_path, transactions):
    folder = tmp_path / "state"
    with serving(environment, folder) as (port, seen):
        goes_on(port, transactions[0])
        shutil.rmtree(folder)
        goes_on(port, transactions[0])
    assert "Traceback" not in seen["errors"]


@pytest.mark.slow
def test_disk_that_fills_up_later_harms_no_counter(environment, tmp_path, transactions):
    folder = tmp_path / "small"
    with mounted(folder, "size=1m"), serving(environment, folder) as (port, seen):
        fill(folder / "filler")
        goes_on(port, transactions[0])
    assert "Traceback" not in seen["errors"]


def fill(path):
    """Write until there is no more room."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
