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


def better_and_judged(project, small, **model) -> str:
    """Promote a first champion, then train another candidate that the gate has passed."""
    judged(version(project))
    candidate.promote("quick")
    candidate.train_candidate(msgspec.structs.replace(small, model=msgspec.structs.replace(small.model, **model)))
    judged(version(project))
    write_metrics("results/quick/poisoning", {"placebo.expected_cost_eur_floor": 300.0})
    return version(project)


def test_candidate_that_is_not_cheaper_leaves_the_champion(trained, small):
    first = version(trained)
    second = better_and_judged(trained, small, seed=9)
    said = candidate.promote("quick")
    assert said.startswith(f"champion: model {first} stays; against the champion the candidate saves")
    assert bundle.read_manifest(trained / "models/champion").model_version == first
    entries = [json.loads(line) for line in (trained / "models/promotions.jsonl").read_text().splitlines()]
    assert [entry["promoted"] for entry in entries] == [True, False]
    assert entries[1]["model_version"] == second
    assert "equally good trainings differ" in entries[1]["evidence"]["gate.champion"]


def test_override_promotes_and_is_recorded_beside_the_evidence(trained, small):
    second = better_and_judged(trained, small, seed=9)
    said = candidate.promote("quick", override=("risk officer", "the old model is withdrawn"))
    assert said == f"champion: model {second}, promoted by risk officer in spite of the gate"
    entry = json.loads((trained / "models/promotions.jsonl").read_text().splitlines()[-1])
    assert entry["override"] == {"by": "risk officer", "why": "the old model is withdrawn"}
    assert entry["evidence"]["gate.reasons"] == "the threshold alerts too much"
    assert "candidate saves" in entry["evidence"]["gate.champion"]


def test_override_of_a_refusal_keeps_the_refusal_in_the_record(trained):
    judged(version(trained), promoted=False)
    candidate.promote("quick", override=("risk officer", "known and accepted"))
    entry = json.loads((trained / "models/promotions.jsonl").read_text())
    assert entry["promoted"] is True
    assert entry["evidence"]["gate.promoted"] is False


def test_champion_of_other_data_gives_way(trained, small):
    judged(version(trained))
    candidate.promote("quick")
    origin = trained / "models/candidate/origin.json"
    other = json.loads(origin.read_text())
    other["data_sha256"]["v1"] = "0" * 64
    origin.write_text(json.dumps(other))
    assert candidate.against_champion("quick") is None
