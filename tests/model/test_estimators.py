import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.estimators import REGISTRY, EstimatorConfig

SETTINGS = {
    "logistic_regression": {},
    "hist_gradient_boosting": {"max_iter": 20},
    "catboost": {"iterations": 40, "depth": 4},
}


def fit(name, versions, settings=None, sample_weight=None):
    rows = versions.training_rows
    estimator = EstimatorConfig(name, SETTINGS[name] if settings is None else settings)
    return estimator.fit(rows.X, rows.y_observed, sample_weight)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_estimator_learns_simulated_fraud(name, versions):
    log_odds = fit(name, versions).decision_function(versions.holdout.X)
    assert average_precision(versions.holdout.y_observed, log_odds) > 0.5


@pytest.mark.parametrize("name", REGISTRY)
def test_same_seed_gives_the_same_margin(name, versions):
    features = versions.holdout.X
    np.testing.assert_array_equal(
        fit(name, versions).decision_function(features),
        fit(name, versions).decision_function(features),
    )


@pytest.mark.parametrize("name", REGISTRY)
def test_weight_zero_is_absence(name, versions):
    rows = versions.training_rows
    half = np.arange(len(rows.y_observed)) % 2 == 0
    weighted = fit(name, versions, sample_weight=half.astype(float)).decision_function(
        versions.holdout.X
    )
    alone = (
        EstimatorConfig(name, SETTINGS[name], 1)
        .fit(rows.X[half], rows.y_observed[half])
        .decision_function(versions.holdout.X)
    )
    # bins and ordered statistics are drawn from all rows, so the agreement is that of the rankings
    assert np.corrcoef(weighted, alone)[0, 1] > 0.8


def test_unknown_estimator_is_refused():
    with pytest.raises(
        ParameterError, match=r"expected one of logistic_regression, .* or module:Class, got 'svm'"
    ):
        EstimatorConfig("svm").build()


def test_own_class_is_built_with_seed_and_threads_where_it_takes_them(versions):
    own = EstimatorConfig(
        "sklearn.ensemble:RandomForestClassifier", {"n_estimators": 20}, seed=7, n_threads=1
    )
    assert (own.build().random_state, own.build().n_jobs) == (7, 1)
    rows = versions.training_rows
    log_odds = own.fit(rows.X, rows.y_observed).decision_function(versions.holdout.X)
    assert np.isfinite(log_odds).all()
    assert average_precision(versions.holdout.y_observed, log_odds) > 0.5


@pytest.mark.parametrize(
    "name", ["sklearn.ensemble:Forest", "no_such_module:Class", "sklearn.ensemble:"]
)
def test_own_class_that_cannot_be_imported_is_refused(name):
    with pytest.raises(ParameterError, match="expected module:Class that can be imported"):
        EstimatorConfig(name).build()
