import json

import msgspec
import numpy as np
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.bundle.signing import new_key_pair
from fraud_core.errors import BundleError, FraudCoreError
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.pipeline.reporting.results import stamp_data, write_metrics
from fraud_core.pipeline.stages import candidate, promote
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.promotion.conclusion import gate_metrics
from fraud_core.promotion.gate import Criterion, decide
from tests.pipeline.stages.judgements import SELECT, judged, promoted_lineage, version


def test_promotion_writes_a_verified_champion_and_a_record(trained):
    judged(version(trained))
    assert "promoted" in promote.promote("quick")
    champion = bundle.load_bundle(trained / "models/champion").bundle
    features = open_versions("data").holdout.X[:50]
    np.testing.assert_array_equal(
        champion.probability(features),
        bundle.read_content(trained / "models/candidate").probability(features),
    )
    entry = json.loads((trained / "models/promotions.jsonl").read_text())
    assert entry["promoted"] is True
    assert entry["model_version"] == champion.version


def test_second_promotion_changes_nothing(trained):
    judged(version(trained))
    promote.promote("quick")
    before = (trained / "models/champion/manifest.json").stat().st_mtime_ns
    assert "already promoted" in promote.promote("quick")
    assert (trained / "models/champion/manifest.json").stat().st_mtime_ns == before


def test_refused_candidate_is_recorded_and_never_becomes_champion(trained):
    judged(version(trained), promoted=False)
    with pytest.raises(FraudCoreError, match="the threshold alerts too much"):
        promote.promote("quick")
    assert not (trained / "models/champion").exists()
    assert json.loads((trained / "models/promotions.jsonl").read_text())["promoted"] is False


def test_verdict_about_another_model_promotes_nothing(trained):
    judged("0" * 16)
    with pytest.raises(FraudCoreError, match="the gate judged model 0000"):
        promote.promote("quick")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"gate.promoted": "insufficient evidence"}, "gate.promoted: expected True"),
        ({"gate.required.alert_budget": "fail"}, "gate.promoted: expected False"),
        ({"gate.required.alert_budget": "insufficient evidence"}, "gate.promoted: expected False"),
        (
            {"gate.required.alert_budget": float("nan")},
            "gate.required.alert_budget: expected one of",
        ),
        ({"gate.required.alert_budget": "fine"}, "gate.required.alert_budget: expected one of"),
        ({"gate.required.alert_budget": None}, "gate.required.alert_budget: expected one of"),
        ({"data_sha256.v1": "0" * 64}, "judgement is of other data"),
        ({"data_sha256.v0": "0" * 64}, "judgement is of other data"),
    ],
)
def test_judgement_that_contradicts_itself_or_speaks_of_other_data_promotes_nothing(
    trained, changed, reason
):
    judged(version(trained))
    path = trained / SELECT / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(FraudCoreError, match=reason):
        promote.promote("quick")
    assert not (trained / "models/champion").exists()


def test_judgement_without_criteria_promotes_nothing(trained):
    judged(version(trained))
    path = trained / SELECT / "metrics.json"
    kept = {
        name: value
        for name, value in json.loads(path.read_text()).items()
        if ".required." not in name
    }
    path.write_text(json.dumps(kept))
    with pytest.raises(
        FraudCoreError, match="expected the outcome of each required criterion, found none"
    ):
        promote.promote("quick")


def test_altered_champion_is_noticed_at_the_next_promotion(trained):
    judged(version(trained))
    promote.promote("quick")
    path = trained / "models/champion/policy.json"
    path.write_bytes(path.read_bytes().replace(b"threshold", b"threshole"))
    with pytest.raises(BundleError, match=r"policy\.json was altered"):
        promote.promote("quick")


def better_and_judged(project, small, **model) -> str:
    """Promote a first champion, then train another candidate that the gate has passed."""
    judged(version(project))
    promote.promote("quick")
    candidate.train_candidate(
        msgspec.structs.replace(small, model=msgspec.structs.replace(small.model, **model))
    )
    judged(version(project))
    null_run(open_versions("data").content_sha256)
    return version(project)


def null_run(digests) -> None:
    cost, precision = "expected_cost_eur_null_band", "average_precision_null_band"
    bands = {f"null_run.{cost}": 300.0, f"null_run.{precision}": 0.05}
    write_metrics("results/quick/poisoning", bands)
    if digests:
        stamp_data("results/quick/poisoning", digests)


def test_candidate_that_is_not_cheaper_leaves_the_champion(trained, small):
    first = version(trained)
    second = better_and_judged(trained, small, seed=9)
    said = promote.promote("quick")
    assert said.startswith(
        f"champion: model {first} stays; against the champion the candidate saves"
    )
    assert bundle.read_manifest(trained / "models/champion").model_version == first
    entries = [
        json.loads(line) for line in (trained / "models/promotions.jsonl").read_text().splitlines()
    ]
    assert [entry["promoted"] for entry in entries] == [True, False]
    assert entries[1]["model_version"] == second
    assert "equally good trainings differ" in entries[1]["champion"]["reasons"]


def test_override_promotes_and_is_recorded_beside_the_evidence(trained, small):
    second = better_and_judged(trained, small, seed=9)
    said = promote.promote("quick", override=("risk officer", "the old model is withdrawn"))
    assert said == f"champion: model {second}, promoted by risk officer in spite of the gate"
    entry = json.loads((trained / "models/promotions.jsonl").read_text().splitlines()[-1])
    assert entry["override"] == {"by": "risk officer", "why": "the old model is withdrawn"}
    assert entry["gate"]["reasons"] == "all 1 required criteria passed"
    assert "candidate saves" in entry["champion"]["required.champion_evidence"]


def test_override_of_a_refusal_keeps_the_refusal_in_the_record(trained):
    judged(version(trained), promoted=False)
    promote.promote("quick", override=("risk officer", "known and accepted"))
    entry = json.loads((trained / "models/promotions.jsonl").read_text())
    assert entry["promoted"] is True
    assert entry["gate"]["promoted"] is False


@pytest.mark.parametrize(
    ("digests", "reason"),
    [({"v0": "a" * 64, "v1": "b" * 64}, "of other data"), ({}, "of unknown data")],
)
def test_null_run_of_other_data_promotes_nothing(trained, small, digests, reason):
    first = version(trained)
    better_and_judged(trained, small, seed=9)
    null_run(digests)
    said = promote.promote("quick")
    assert said.startswith(
        f"champion: model {first} stays; how far equally good trainings differ is not known here"
    )
    assert reason in said


def test_required_and_advisory_criteria_are_apart_in_the_record(trained):
    gate = decide(
        Criterion("cost", Verdict.PASS, "c"), Criterion("drift", Verdict.FAIL, "d", required=False)
    )
    write_metrics(SELECT, {"candidate.version": version(trained)} | gate_metrics(gate))
    stamp_data(SELECT, open_versions("data").content_sha256)
    promote.promote("quick")
    entry = json.loads((trained / "models/promotions.jsonl").read_text())
    assert entry["required"] == {"cost": "pass", "cost_evidence": "c"}
    assert entry["advisory"] == {"drift": "fail", "drift_evidence": "d"}
    assert entry["gate"]["reasons"] == "all 1 required criteria passed; advisory: 1 fails"


def test_champion_of_other_data_gives_way(trained, small):
    judged(version(trained))
    promote.promote("quick")
    origin = trained / "models/candidate/origin.json"
    other = json.loads(origin.read_text())
    other["data_sha256"]["v1"] = "0" * 64
    origin.write_text(json.dumps(other))
    assert promote.against_champion("quick") is None


def test_promotion_signs_where_a_signing_key_is_configured(trained, tmp_path, monkeypatch):
    private, public = new_key_pair()
    key = tmp_path / "signing.pem"
    key.write_bytes(private)
    monkeypatch.setenv(promote.SIGNING_KEY_FILE, str(key))
    promoted_lineage(trained)
    bundle.load_bundle(trained / "models/champion", public_key=public)


def test_champion_of_an_older_format_gives_way(trained):
    promoted_lineage(trained)
    manifest = trained / "models/champion/manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 1'))
    assert promote.against_champion("quick") is None
    assert promote.promote("quick").endswith(", promoted")


def test_previous_champion_comes_back_and_the_record_says_by_whom(trained, small):
    first = version(trained)
    second = better_and_judged(trained, small, seed=9)
    with pytest.raises(FraudCoreError, match="no previous champion"):
        promote.roll_back("officer", "complaints")
    promote.promote("quick", override=("officer", "trial"))
    assert (
        promote.roll_back("officer", "complaints") == f"champion: model {first} is back, by officer"
    )
    assert bundle.load_bundle(trained / "models/champion").bundle.version == first
    assert bundle.load_bundle(trained / "models/previous-champion").bundle.version == second
    entry = json.loads((trained / "models/promotions.jsonl").read_text().splitlines()[-1])
    assert entry["override"] == {"by": "officer", "why": "rolled back: complaints"}
