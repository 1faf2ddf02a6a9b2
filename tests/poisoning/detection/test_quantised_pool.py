import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.training import train
from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.detection.quantised_pool import quantise, train_quantised

pytestmark = pytest.mark.xdist_group("poisoning")
SETTINGS = {"iterations": 20, "depth": 4, "learning_rate": 0.2}
ESTIMATOR = EstimatorConfig("catboost", SETTINGS, seed=1)
DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}


@pytest.fixture(scope="module")
def rows(versions):
    return versions.training_rows


@pytest.fixture(scope="module")
def quantised(rows):
    return quantise(rows.X)


@pytest.mark.parametrize("attacked", ["fraud_to_legit", "legit_to_fraud", "symmetric"])
@pytest.mark.parametrize("weighted", [False, True])
def test_bins_are_reused_under_any_labels_without_a_difference(rows, quantised, attacked, weighted):
    y = attack(attacked, rows, 0.3, rng=np.random.default_rng(2)).y_observed
    weight = np.random.default_rng(3).uniform(1, 5, len(y)) if weighted else None
    every = np.arange(len(y))
    found = quantised.fit(every, y, settings=SETTINGS, seed=4, sample_weight=weight)
    fresh = EstimatorConfig("catboost", SETTINGS, 4).fit(rows.X, y, weight)
    np.testing.assert_array_equal(found.decision_function(rows.X), fresh.decision_function(rows.X))


def test_a_missing_value_is_cut_as_a_fresh_fit_cuts_it(rows):
    features = rows.X.copy()
    features[::7, 1] = np.nan
    every = np.arange(len(features))
    found = quantise(features).fit(every, rows.y_observed, settings=SETTINGS, seed=4)
    fresh = EstimatorConfig("catboost", SETTINGS, 4).fit(features, rows.y_observed)
    np.testing.assert_array_equal(
        found.decision_function(features), fresh.decision_function(features)
    )


def test_rows_left_out_teach_nothing(rows, quantised):
    """A model of some rows does not change when the labels of the others do."""
    learnt = np.flatnonzero(np.arange(len(rows.y_observed)) % 3 > 0)
    other = rows.y_observed.copy()
    other[::3] = 1 - other[::3]
    models = [
        quantised.fit(learnt, y[learnt], settings=SETTINGS, seed=1)
        for y in (rows.y_observed, other)
    ]
    np.testing.assert_array_equal(
        models[0].decision_function(rows.X), models[1].decision_function(rows.X)
    )


def test_all_rows_give_the_model_that_would_be_champion(rows, quantised):
    own, champion = (
        train_quantised(quantised, ESTIMATOR, rows, **DECISION),
        train(ESTIMATOR, rows, **DECISION),
    )
    np.testing.assert_array_equal(
        own.estimator.decision_function(rows.X), champion.estimator.decision_function(rows.X)
    )


def test_bins_of_the_early_hours_alone_give_the_champions_calibration_and_threshold(rows):
    """When both hold the same values the bins are
    the same, and nothing is left that could differ.
    """
    late = np.flatnonzero(rows.is_validation)
    early = np.flatnonzero(~rows.is_validation)
    twice = np.concatenate([early, early])
    is_late = np.arange(len(twice)) >= len(early)
    y = np.concatenate([rows.y_observed[early], np.resize(rows.y_observed[late], len(early))])
    doubled = Transactions(rows.X[twice], y, rows.amount_eur[twice], is_validation=is_late)
    own = train_quantised(quantise(doubled.X), ESTIMATOR, doubled, **DECISION)
    champion = train(ESTIMATOR, doubled, **DECISION)
    assert own.calibration == champion.calibration
    assert own.operating_point == champion.operating_point
    assert own.validation_average_precision == champion.validation_average_precision


def test_bins_follow_the_settings_of_the_estimator_and_others_are_refused(rows):
    coarse = SETTINGS | {"border_count": 16}
    every = np.arange(len(rows.y_observed))
    found = quantise(rows.X, coarse).fit(every, rows.y_observed, settings=coarse, seed=1)
    fresh = EstimatorConfig("catboost", coarse, 1).fit(rows.X, rows.y_observed)
    np.testing.assert_array_equal(found.decision_function(rows.X), fresh.decision_function(rows.X))
    with pytest.raises(ParameterError, match="made with the defaults"):
        quantise(rows.X).fit(every, rows.y_observed, settings=coarse, seed=1)
