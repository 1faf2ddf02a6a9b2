"""Fixtures of the service: a promoted bundle of a small model, a client, the service as a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from litestar.testing import TestClient

from fraud_core.model import bundle
from fraud_core.pipeline.candidate import TOY_PLAN, train_by, write_candidate
from fraud_core.pipeline.versions import open_versions
from serve.app import create_app
from serve.settings import read_settings
from tests.conftest import ROOT


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


@pytest.fixture
def environment(champion, tmp_path):
    """Settings of a service of its own, open to everybody."""
    return {
        "FRAUD_MODEL_DIR": str(champion), "FRAUD_STATE_DIR": str(tmp_path / "state"), "FRAUD_ACCESS": "open",
        "FRAUD_REQUESTS_PER_SECOND": "1000000",
    }  # fmt: skip


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
    return {"transaction_id": "t-1", "occurred_at": "2026-01-31T12:00:00Z", "features": transactions[0]}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(**environment):
    return subprocess.Popen(
        [sys.executable, "-m", "serve"], cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_until_ready(port):
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
                assert answer.status == 200
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service did not become ready in ten seconds")
