"""Fixtures: a project folder of its own, with simulated transactions in place of downloads."""

import os
import shutil
from pathlib import Path

import hypothesis
import msgspec
import numpy as np
import polars as pl
import pytest

from fraud_core.data.toy import toy_card, toy_transactions
from fraud_core.model.parameters import EstimatorParameters
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.stages import candidate, data as stages
from fraud_core.pipeline.storage.dataset_versions import Versions, open_versions

SKIPPED_FILE = "FRAUD_SKIPPED_TESTS"
# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
ROOT = Path(__file__).resolve().parents[1]


def pytest_terminal_summary(terminalreporter):
    """Write the names of skipped tests to the file that
    a variable names, so that they can be run elsewhere.
    """
    if path := os.environ.get(SKIPPED_FILE):
        names = sorted({report.nodeid for report in terminalreporter.stats.get("skipped", [])})
        Path(path).write_text("".join(f"{name}\n" for name in names))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def card():
    return toy_card()


@pytest.fixture
def toy() -> pl.DataFrame:
    return toy_transactions(400, seed=0)


@pytest.fixture(scope="session")
def versions() -> Versions:
    return open_versions("toy")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project folder with the cards and parameters of the
    real one and no data; the working folder is changed.
    """
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("cards", "criteria"):
        shutil.copytree(ROOT / "data" / name, tmp_path / "data" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_table(tmp_path_factory) -> Path:
    """A table of the user's own with the columns of the ULB card."""
    path = tmp_path_factory.mktemp("own") / "payments.csv"
    toy_transactions(3000, seed=3).write_csv(path)
    return path


def small_estimators():
    """CatBoost with few trees, as every test that trains on real parameters has it."""
    return {"catboost": EstimatorParameters({"iterations": 30}, "intercept")}


@pytest.fixture
def small(project):
    """The real parameters with a small model."""
    params = read_params(project / "params.yaml")
    return msgspec.structs.replace(
        params,
        model=msgspec.structs.replace(params.model, estimators=small_estimators(), n_threads=1),
        decision=msgspec.structs.replace(params.decision, alert_budget=0.05),
    )


@pytest.fixture
def trained(project, own_table, small):
    stages.use_source("ulb", own_table)
    stages.fetch("ulb")
    stages.prepare("ulb")
    candidate.train_candidate(small)
    return project
