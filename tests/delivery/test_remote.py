"""Data versions travel to Google Cloud Storage and
back unchanged; an emulator stands in for the cloud.
"""

import hashlib
import os
import shutil
import signal
import subprocess

import pytest

from tests.conftest import ROOT
from tests.delivery.tools import PATH, TOOLS, need, run
from tests.network import free_port, wait_until_answers
from tests.waiting import wait_until_ended


@pytest.fixture
def storage(tmp_path):
    """Address of an emulated Cloud Storage with the bucket `fraud-data`."""
    need("gcp-storage-emulator")
    port = free_port()
    process = subprocess.Popen(
        [
            shutil.which("gcp-storage-emulator", path=PATH),
            "-d",
            str(tmp_path / "storage"),
            "start",
            f"--port={port}",
            "--in-memory",
            "--default-bucket=fraud-data",
        ],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_answers(f"{address}/storage/v1/b/fraud-data", process)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        wait_until_ended(process)


@pytest.mark.slow
def test_data_versions_come_back_with_the_same_digests(storage, tmp_path):
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    for version in ("v0", "v1"):
        (project / "data" / f"{version}.csv").write_bytes(os.urandom(200_000))
    dvc, cloud = (
        TOOLS / "dvc",
        {"STORAGE_EMULATOR_HOST": storage, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},
    )

    def call(*arguments):
        return run(dvc, *arguments, cwd=project, **cloud)

    call("init", "-q", "--no-scm")
    call("config", "core.analytics", "false")
    call("remote", "add", "-d", "gcs", "gs://fraud-data/dvc")
    call("remote", "modify", "gcs", "allow_anonymous_login", "true")
    call("add", "data/v0.csv", "data/v1.csv")
    call("push")
    before = digests(project)
    shutil.rmtree(project / ".dvc" / "cache")
    for path in (project / "data").glob("*.csv"):
        path.unlink()
    call("pull")
    assert digests(project) == before


@pytest.mark.slow
def test_what_a_run_made_reaches_the_bucket(storage, tmp_path):
    champion = tmp_path / "models" / "champion"
    champion.mkdir(parents=True)
    (champion / "model.npz").write_bytes(os.urandom(100_000))
    send = (
        "import fsspec, sys; sys.path.insert(0, sys.argv[1])\n"
        "from k8s.jobs.__main__ import main\n"
        "code = main(['gs://fraud-data/runs/r1'])\n"
        "print(fsspec.filesystem('gs').cat_file('fraud-data/runs/r1/digests.json').decode())\n"
        "sys.exit(code)"
    )
    cloud = {"STORAGE_EMULATOR_HOST": storage, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    printed = run(TOOLS / "python", "-c", send, ROOT, cwd=tmp_path, **cloud)
    expected = hashlib.sha256((champion / "model.npz").read_bytes()).hexdigest()
    assert f'"models/champion/model.npz": "{expected}"' in printed


def digests(project):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (project / "data").glob("*.csv")
    }
