"""Fixtures of the service: a promoted bundle of a small
model, a client, the service as a process of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from litestar.testing import TestClient

from fraud_core.bundle import load as bundle
from fraud_core.pipeline.stages.candidate import TOY_PLAN, train_by, write_candidate
from fraud_core.pipeline.storage.dataset_versions import open_versions
from serve.app import create_app
from serve.settings import read_settings
from tests.conftest import ROOT
from tests.network import free_port


@pytest.fixture(scope="session")
def champion(tmp_path_factory):
    """A promoted bundle of a small model on toy data."""
    root = tmp_path_factory.mktemp("service")
    (root / "params.yaml").touch()
    (root / "dvc.yaml").touch()
    versions = open_versions("toy")
    chosen = train_by(TOY_PLAN, "catboost", versions.training_rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        write_candidate("champion", chosen, versions, TOY_PLAN)
    bundle.write_manifest(root / "champion", git_revision="r", library_versions={})
    return root / "champion"


def another(folder, into, **policy):
    """Write a champion with another threshold instead of one."""
    shutil.copytree(folder, into)
    changed = json.loads((into / "policy.json").read_text()) | policy
    (into / "policy.json").write_text(json.dumps(changed))
    bundle.write_manifest(into, git_revision="second", library_versions={})
    return into


@pytest.fixture
def environment(champion, tmp_path):
    """Settings of a service of its own, open to everybody."""
    return {
        "FRAUD_MODEL_DIR": str(champion),
        "FRAUD_STATE_DIR": str(tmp_path / "state"),
        "FRAUD_ACCESS": "open",
        "FRAUD_REQUESTS_PER_SECOND": "1000000",
    }


@pytest.fixture
def settings(environment):
    return read_settings(environment)


@pytest.fixture
def client(settings):
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture(scope="session")
def transactions(versions):
    return versions.v1.drop("Class").to_dicts()


@pytest.fixture
def decision(transactions):
    """A decision request."""
    return {
        "transaction_id": "t-1",
        "occurred_at": "2026-01-31T12:00:00Z",
        "features": transactions[0],
    }


def start(**environment):
    return subprocess.Popen(
        [sys.executable, "-m", "serve"],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(p).parent for p in [shutil.which("initdb")] if p
]


@pytest.fixture(scope="session")
def postgresql():
    """Address of a PostgreSQL server of its own, started
    in a temporary folder by an unprivileged user.
    """
    if not BINARIES:
        pytest.skip("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    # The path of a socket is short by law, and the server's user must reach it.
    folder, port = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp")), free_port()
    root = os.getuid() == 0
    if root:
        shutil.chown(folder, "postgres")
    options = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}

    def run(*command):
        subprocess.run(
            [str(BINARIES[-1] / command[0]), *command[1:]],
            check=True,
            capture_output=True,
            cwd=folder,
            **options,
        )

    data, log = folder / "data", folder / "log"
    run("initdb", "-D", str(data), "-U", "tester", "--auth=trust", "--no-sync")
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", str(data), "-l", str(log), "-w", "-o", settings, "start")
    yield f"postgresql://tester@127.0.0.1:{port}"
    run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder, ignore_errors=True)
