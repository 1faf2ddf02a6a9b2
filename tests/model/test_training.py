from dataclasses import replace

import numpy as np
import pytest

from fraud_core.data.rows import to_transactions
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.baseline import random_split_average_precision, train_all
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.training import train

ESTIMATORS = {
    "logistic_regression": EstimatorConfig("logistic_regression"),
    "hist_gradient_boosting": EstimatorConfig("hist_gradient_boosting", {"max_iter": 20}),
    "catboost": EstimatorConfig("catboost", {"iterations": 30}),
}
CATBOOST = ESTIMATORS["catboost"]
DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}


@pytest.fixture(scope="module")
def trained(versions):
    return train(CATBOOST, versions.training_rows, **DECISION)


def test_final_estimator_has_seen_all_of_v0(trained, versions):
    rows = versions.training_rows
    again = CATBOOST.fit(rows.X, rows.y_observed)
    np.testing.assert_array_equal(
        trained.estimator.decision_function(rows.X), again.decision_function(rows.X)
    )


def test_threshold_keeps_the_budget_on_the_validation_hours(trained):
    assert trained.operating_point.alert_share <= DECISION["alert_budget"]


def test_early_rows_alone_decide_calibration(trained, versions):
    """Other labels in the late hours change threshold and
    calibration, not what is fitted on the early hours.
    """
    rows = versions.training_rows
    other = replace(
        rows, y_observed=np.where(rows.is_validation, np.roll(rows.y_observed, 7), rows.y_observed)
    )
    moved = train(CATBOOST, other, **DECISION)
    assert moved.calibration != trained.calibration
    assert moved.validation_average_precision < trained.validation_average_precision


def test_all_estimators_are_trained_with_progress(versions):
    steps = []
    models = train_all(
        versions.training_rows,
        estimators=ESTIMATORS,
        **DECISION,
        progress=lambda *step: steps.append(step),
    )
    assert list(models) == ["logistic_regression", "hist_gradient_boosting", "catboost"]
    assert [done for _, done, _ in steps] == [1, 2, 3]
    holdout = versions.holdout
    for model in models.values():
        assert average_precision(holdout.y_observed, model.scored(holdout.X).y_score) > 0.4


def test_random_split_has_an_interval_and_keeps_equal_rows_together(versions):
    both = to_transactions(versions.v0.vstack(versions.v1), versions.card)
    options = {"estimator": CATBOOST, "n_splits": 2, "n_replicates": 50}
    found = random_split_average_precision(both, **options, rng=np.random.default_rng(0))
    assert 0 < found.ci_low < found.value < found.ci_high <= 1
    # every row twice: were twins to stand on both sides, the label would leak and the ranking be
    # perfect
    doubled = to_transactions(versions.v0.vstack(versions.v0).sort("Time"), versions.card)
    noise = np.random.default_rng(1).permutation(len(doubled.y_observed) // 2).repeat(2)
    shuffled = replace(doubled, y_observed=(noise < 75).astype(int))
    assert (
        random_split_average_precision(shuffled, **options, rng=np.random.default_rng(0)).value
        < 0.3
    )
