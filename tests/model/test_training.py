from dataclasses import replace

import numpy as np
import pytest

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
