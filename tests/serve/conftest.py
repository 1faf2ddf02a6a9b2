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
from fraud_core.model.champion import train
from fraud_core.pipeline.candidate import write_candidate
from fraud_core.pipeline.versions import open_versions
from serve.app import create_app
from serve.settings import read_settings
from tests.conftest import ROOT

DECISION = {"alert_budget": 0.05, "review_cost_eur": 5.0}


@pytest.fixture(scope="session")
def champion(tmp_path_factory):
    """A promoted bundle of a small model on toy data."""
    root = tmp_path_factory.mktemp("service")
    (root / "params.yaml").touch()
    (root / "dvc.yaml").touch()
    versions = open_versions("toy")
    rows = versions.training_rows
    chosen = train("catboost", rows, settings={"iterations": 40}, seed=1, n_threads=1, **DECISION)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        write_candidate("champion", chosen, rows, versions, model={}, decision=DECISION)
    bundle.write_manifest(root / "champion", git_revision="r", library_versions={})
    return root / "champion"


@pytest.fixture
def settings(champion):
    return read_settings({"FRAUD_MODEL_DIR": str(champion)})


@pytest.fixture
def client(settings):
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def transactions(versions):
    return versions.v1.drop("Class").to_dicts()


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
