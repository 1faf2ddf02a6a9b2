from dataclasses import replace

import numpy as np
import pytest

from fraud_core.data.rows import to_transactions
from fraud_core.drift.performance.comparison import (
    compare_performance,
    decompose_change,
    score_windows,
    verdict,
)
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.metrics import average_precision, expected_cost_eur
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 30})
DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}


def of_versions(versions):
    return (
        to_transactions(versions.v0, versions.card),
        versions.training_rows.is_validation,
        versions.holdout,
    )


@pytest.fixture(scope="module")
def scored(versions):
    return score_windows(*of_versions(versions), estimator=ESTIMATOR, decision=DECISION)


def test_performance_is_measured_on_rows_the_model_has_not_seen(versions, rng):
    found = score_windows(*of_versions(versions), estimator=ESTIMATOR, decision=DECISION)
    before, after, change = compare_performance(found, decision=DECISION, n_replicates=100, rng=rng)
    assert set(before) == set(after) == set(change)
    assert change["average_precision"].value == pytest.approx(
        after["average_precision"].value - before["average_precision"].value
    )
    # both days are simulated alike, so the interval of the change holds zero
    assert not change["average_precision"].excludes(0.0)


def test_unchanged_needs_a_narrow_interval():
    assert verdict(Estimate(0.0, -0.01, 0.01), margin=0.05) == "unchanged"
    assert verdict(Estimate(0.0, -0.10, 0.10), margin=0.05) == "insufficient evidence"
    assert verdict(Estimate(0.1, 0.02, 0.20), margin=0.05) == "rose"


def test_calibration_and_threshold_come_from_before_both_windows(versions, scored):
    """Labels of the late hours and of v1 are turned around;
    what the model answers and where it decides stays.
    """
    v0, late, v1 = of_versions(versions)
    turned = (
        replace(v0, y_observed=np.where(late, 1 - v0.y_observed, v0.y_observed)),
        late,
        replace(v1, y_observed=1 - v1.y_observed),
    )
    again = score_windows(*turned, estimator=ESTIMATOR, decision=DECISION)
    assert again.threshold == scored.threshold
    assert np.array_equal(again.p_before, scored.p_before)
    assert np.array_equal(again.p_after, scored.p_after)


def test_figures_are_those_of_the_point_metrics(scored, rng):
    before, after, _ = compare_performance(scored, decision=DECISION, n_replicates=20, rng=rng)
    rows = scored.after
    assert after["average_precision"].value == pytest.approx(
        average_precision(rows.y_observed, scored.p_after)
    )
    cost = expected_cost_eur(
        rows.y_observed, scored.p_after >= scored.threshold, rows.amount_eur, 5.0
    )
    assert after["expected_cost_eur_per_1000"].value == pytest.approx(
        1000 * cost / len(rows.y_observed)
    )
    assert set(before) == set(after)


def test_parts_of_the_cost_add_up_to_its_change(scored, rng):
    before, _, change = compare_performance(scored, decision=DECISION, n_replicates=20, rng=rng)
    found = decompose_change(scored, decision=DECISION, n_resamples=300, rng=rng)["cost_eur"]
    assert 1000 * found.change.value == pytest.approx(change["expected_cost_eur_per_1000"].value)
    assert 1000 * found.before == pytest.approx(before["expected_cost_eur_per_1000"].value)
    assert found.x_shift + found.y_given_x_shift.value == pytest.approx(found.change.value)
