import json
import re
import subprocess

import msgspec
import numpy as np
import pytest

from fraud_core.errors import BundleError, FraudCoreError
from fraud_core.model import bundle
from fraud_core.pipeline import candidate, stages
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.results import write_metrics
from fraud_core.pipeline.versions import open_versions


@pytest.fixture
def small(project):
    """The real parameters with a small model."""
    params = read_params(project / "params.yaml")
    return msgspec.structs.replace(
        params,
        model=msgspec.structs.replace(params.model, catboost={"iterations": 30}, n_threads=1),
        decision=msgspec.structs.replace(params.decision, alert_budget=0.05),
    )


@pytest.fixture
def trained(project, own_table, small):
    stages.use_source("ulb", own_table)
    stages.fetch("ulb")
    stages.prepare("ulb")
    candidate.train_candidate(small)
    return project


def judged(version: str, *, promoted: bool = True) -> None:
    write_metrics(
        "results/quick/select",
        {"candidate.version": version, "gate.promoted": promoted, "gate.reasons": "the threshold alerts too much"},
    )


def version(project) -> str:
    return bundle.content_version(project / "models/candidate")


def test_candidate_says_what_it_was_trained_on(trained):
    found = bundle.read_content(trained / "models/candidate")
    versions = open_versions("data")
    assert found.origin["data_sha256"] == versions.content_sha256
    assert found.contract.model_features == tuple(versions.card.model_features)
    assert [field.name for field in found.contract.fields] == ["Time", *(f"V{i}" for i in range(1, 29)), "Amount"]
    assert 0 < found.policy.threshold < 1


def test_training_again_gives_the_same_model_and_another_seed_another_one(trained, small):
    before = version(trained)
    candidate.train_candidate(small)
    assert version(trained) == before
    candidate.train_candidate(msgspec.structs.replace(small, model=msgspec.structs.replace(small.model, seed=9)))
    assert version(trained) != before


def test_reference_shares_sum_to_one_for_every_feature(trained):
    reference = bundle.read_content(trained / "models/candidate").reference
    assert set(reference["features"]) == set(open_versions("data").card.model_features)
    for described in [*reference["features"].values(), reference["score"]]:
        assert sum(described["shares"]) == pytest.approx(1.0)
        assert len(described["shares"]) == len(described["edges"]) + 1


def test_promotion_writes_a_verified_champion_and_a_record(trained):
    judged(version(trained))
    assert "promoted" in candidate.promote("quick")
    champion = bundle.load_bundle(trained / "models/champion")
    features = open_versions("data").holdout.features[:50]
    np.testing.assert_array_equal(
        champion.probability(features), bundle.read_content(trained / "models/candidate").probability(features)
    )
    entry = json.loads((trained / "models/promotions.jsonl").read_text())
    assert entry["promoted"] is True
    assert entry["model_version"] == champion.version


def test_second_promotion_changes_nothing(trained):
    judged(version(trained))
    candidate.promote("quick")
    before = (trained / "models/champion/manifest.json").stat().st_mtime_ns
    assert "already promoted" in candidate.promote("quick")
    assert (trained / "models/champion/manifest.json").stat().st_mtime_ns == before


def test_refused_candidate_is_recorded_and_never_becomes_champion(trained):
    judged(version(trained), promoted=False)
    with pytest.raises(FraudCoreError, match="the threshold alerts too much"):
        candidate.promote("quick")
    assert not (trained / "models/champion").exists()
    assert json.loads((trained / "models/promotions.jsonl").read_text())["promoted"] is False


def test_verdict_about_another_model_promotes_nothing(trained):
    judged("0" * 16)
    with pytest.raises(FraudCoreError, match="the gate judged model 0000"):
        candidate.promote("quick")


def test_altered_champion_is_noticed_at_the_next_promotion(trained):
    judged(version(trained))
    candidate.promote("quick")
    path = trained / "models/champion/policy.json"
    path.write_bytes(path.read_bytes().replace(b"threshold", b"threshole"))
    with pytest.raises(BundleError, match=r"policy\.json was altered"):
        candidate.promote("quick")


def test_git_revision_is_the_commit_and_says_when_files_differ(project):
    assert candidate.git_revision() == "unknown"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "params.yaml"], check=True)
    subprocess.run([*git, "commit", "-qm", "c"], check=True)
    assert re.fullmatch("[0-9a-f]{40}", candidate.git_revision())
    (project / "params.yaml").write_text("changed")
    assert re.fullmatch("[0-9a-f]{40}-dirty", candidate.git_revision())
