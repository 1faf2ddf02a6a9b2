import pytest

from fraud_core.errors import ResultError
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.promotion.conclusion import conclude, criteria_rows, gate_metrics, recorded_gate
from fraud_core.promotion.gate import Criterion, decide


def criterion(name, outcome, *, required=True):
    return Criterion(name, outcome, f"{name} is so", required=required)


def test_advisory_criteria_stand_apart_from_the_required_ones():
    gate = decide(
        criterion("drift", Verdict.FAIL, required=False),
        criterion("cost", Verdict.PASS),
        criterion("fairness", Verdict.NOT_ASSESSABLE, required=False),
        criterion("data", Verdict.PASS),
        criterion("a", Verdict.INSUFFICIENT, required=False),
        criterion("b", Verdict.INSUFFICIENT, required=False),
        criterion("c", Verdict.PASS, required=False),
    )
    said = (
        "all 2 required criteria passed; advisory: 1 fails, 2 insufficient evidence, 1 not "
        "assessable"
    )
    assert conclude(gate) == said
    assert gate.promoted
    assert [(row["criterion"], row["counts"]) for row in criteria_rows(gate)[:3]] == [
        ("cost", "required"),
        ("data", "required"),
        ("drift", "advisory"),
    ]
    flat = gate_metrics(gate)
    assert (flat["gate.n_required"], flat["gate.n_required_passed"], flat["gate.n_advisory"]) == (
        2,
        2,
        5,
    )
    assert flat["gate.advisory.drift"] == "fail"
    assert flat["gate.required.cost_evidence"] == "cost is so"
    assert not {name for name in flat if name in ("gate.required.drift", "gate.advisory.cost")}


def test_what_did_not_pass_is_named_and_lack_of_evidence_is_no_pass():
    gate = decide(criterion("cost", Verdict.INSUFFICIENT), criterion("data", Verdict.PASS))
    assert conclude(gate) == "1 of 2 required criteria did not pass: cost is so"
    assert not gate.promoted


def test_advisory_criteria_that_all_pass_are_said_to():
    gate = decide(criterion("cost", Verdict.PASS), criterion("drift", Verdict.PASS, required=False))
    assert conclude(gate) == "all 1 required criteria passed; advisory: all 1 pass"


@pytest.mark.parametrize("lost", ["required.cost", "required.data", "advisory.drift"])
def test_record_that_lost_a_criterion_is_refused(lost):
    gate = decide(
        criterion("cost", Verdict.PASS),
        criterion("data", Verdict.PASS),
        criterion("drift", Verdict.PASS, required=False),
    )
    recorded = gate_metrics(gate)
    assert recorded_gate(recorded) == gate
    del recorded[f"gate.{lost}"]
    kind = lost.split(".")[0]
    with pytest.raises(ResultError, match=rf"gate\.n_{kind}: expected \d, the criteria"):
        recorded_gate(recorded)
