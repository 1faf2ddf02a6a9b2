import numpy as np
import pytest

from fraud_core.explain.contributions import additivity_error, rank_features, shap_values
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.export import to_oblivious_trees


@pytest.fixture(scope="module")
def explained(versions):
    rows = versions.training_rows
    fitted = EstimatorConfig("catboost", {"iterations": 30}, 1).fit(rows.X, rows.y_observed)
    features = versions.holdout.X[:200]
    return fitted, features, *shap_values(fitted.model, features)


def test_contributions_add_up_to_the_margin_of_the_served_scorer(explained):
    fitted, features, values, base = explained
    assert additivity_error(values, base, to_oblivious_trees(fitted).log_odds(features)) < 1e-6


def test_values_equal_catboosts_own(explained):
    from catboost import Pool

    fitted, features, values, base = explained
    theirs = fitted.model.get_feature_importance(Pool(features), type="ShapValues")
    np.testing.assert_allclose(values, theirs[:, :-1], atol=1e-9)
    assert base == pytest.approx(theirs[0, -1])


def test_features_that_were_simulated_to_matter_rank_first(explained, versions, rng):
    *_, values, _ = explained
    ranked = rank_features(values, versions.card.model_features, rng=rng)
    assert {entry.feature for entry in ranked[:4]} == {"V1", "V2", "V3", "V4"}


def test_importance_by_hand(rng):
    found = rank_features(np.array([[1.0, -3.0], [-1.0, 3.0]]), ["a", "b"], rng=rng)
    figures = [(each.feature, each.interval) for each in found]
    assert [(name, e.value, e.ci_low, e.ci_high) for name, e in figures] == [
        ("b", 3.0, 3.0, 3.0),
        ("a", 1.0, 1.0, 1.0),
    ]


def test_additivity_error_by_hand():
    assert additivity_error(
        np.array([[1.0, 1.0], [0.0, 0.0]]), 0.5, np.array([2.5, 0.7])
    ) == pytest.approx(0.2)
