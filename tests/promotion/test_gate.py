import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.evaluation.bootstrap import Estimate, ModelScores, bootstrap, interval
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.promotion.gate import (
    Criterion,
    check_alert_budget,
    check_average_precision,
    check_cost,
    check_data,
    check_ranking,
    decide,
)

LIMITS = {"chance": 0.1, "minimum_lift": 5.0, "maximum": 0.95}


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (Estimate(0.78, 0.72, 0.83), "pass"),
        (Estimate(0.55, 0.45, 0.65), "insufficient evidence"),
        (Estimate(0.30, 0.20, 0.40), "fail"),
    ],
)
def test_average_precision_is_judged_by_its_interval(found, outcome):
    assert check_average_precision(found, **LIMITS)[0].outcome == outcome


def test_average_precision_is_asked_relative_to_chance_so_that_no_table_sets_the_mark_for_another():
    found = Estimate(0.12, 0.10, 0.14)
    rare, common = (
        {"chance": chance, "minimum_lift": 5.0, "maximum": 0.95} for chance in (0.0015, 0.03)
    )
    assert check_average_precision(found, **rare)[0].outcome == "pass"
    assert check_average_precision(found, **common)[0].outcome == "fail"
    assert "5 times the share of frauds" in check_average_precision(found, **common)[0].evidence


def test_more_than_can_be_reached_is_refused_by_name():
    with pytest.raises(
        ParameterError, match=r"minimum_lift: expected less than 4, since 25.0% .* got 5"
    ):
        check_average_precision(
            Estimate(0.9, 0.8, 0.95), chance=0.25, minimum_lift=5.0, maximum=0.95
        )


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (Estimate(0.0, -0.02, 0.02), "pass"),
        (Estimate(-0.05, -0.08, -0.02), "insufficient evidence"),
        (Estimate(-0.2, -0.25, -0.15), "fail"),
    ],
)
def test_ranking_against_the_champion_is_judged_beyond_luck(change, outcome):
    assert check_ranking(change, null_band=0.04).outcome == outcome


def test_average_precision_too_good_to_be_true_is_a_leak(versions):
    """A feature that holds the label gives a perfect ranking, and the gate refuses it."""
    rows, holdout = versions.training_rows, versions.holdout
    leaking = [np.column_stack([part.X, part.y_observed]) for part in (rows, holdout)]
    fitted = EstimatorConfig("catboost", {"iterations": 30}, 1).fit(leaking[0], rows.y_observed)
    scored = {"m": ModelScores(1 / (1 + np.exp(-fitted.decision_function(leaking[1]))), 0.5)}
    found = bootstrap(
        holdout.y_observed,
        scored,
        holdout.amount_eur,
        n_alerts=10,
        review_cost_eur=1.0,
        n_replicates=50,
        rng=np.random.default_rng(0),
    )
    good, leak = check_average_precision(interval(found["m"]["average_precision"]), **LIMITS)
    assert (good.outcome, leak.outcome) == ("pass", "fail")
    assert not decide(good, leak).promoted


def test_cost_needs_an_interval_above_zero():
    assert check_cost(Estimate(10.0, 5.0, 20.0)).outcome == "pass"
    assert check_cost(Estimate(10.0, -5.0, 20.0)).outcome == "insufficient evidence"
    assert check_cost(Estimate(-10.0, -20.0, -5.0)).outcome == "fail"


def test_alert_budget_is_tolerated_up_to_half_as_much_again():
    outcomes = [
        check_alert_budget(n, 100_000, alert_budget=0.002, tolerance=1.5).outcome
        for n in (250, 300, 350)
    ]
    assert outcomes == ["pass", "insufficient evidence", "fail"]


def test_other_data_are_named():
    assert check_data({"v0": "a", "v1": "b"}, {"v0": "a", "v1": "b"}).outcome == "pass"
    found = check_data({"v0": "a", "v1": "x"}, {"v0": "a", "v1": "b"})
    assert found.outcome == "fail"
    assert found.evidence.endswith("v1")
    assert check_data({}, {"v0": "a", "v1": "b"}).outcome == "fail"


def test_one_required_refusal_refuses_and_says_why():
    gate = decide(Criterion("a", "pass", "fine"), Criterion("b", "fail", "too dear"))
    assert not gate.promoted
    assert gate.refusals == ["too dear"]


def test_criterion_that_is_not_required_only_reports():
    assert decide(Criterion("a", "pass", ""), Criterion("b", "fail", "", required=False)).promoted


def test_gate_without_questions_is_refused():
    with pytest.raises(ValueError, match="at least one criterion"):
        decide()
