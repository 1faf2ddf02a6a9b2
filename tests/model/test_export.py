import numpy as np
import pytest

from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.export import to_exported_model, to_oblivious_trees

SETTINGS = {
    "logistic_regression": {},
    "hist_gradient_boosting": {"max_iter": 20},
    "catboost": {"iterations": 40, "depth": 4},
}


def fit(name, versions, settings=None, sample_weight=None):
    rows = versions.training_rows
    estimator = EstimatorConfig(name, SETTINGS[name] if settings is None else settings)
    return estimator.fit(rows.X, rows.y_observed, sample_weight)


@pytest.mark.parametrize(
    "settings", [{"iterations": 40, "depth": 4}, {"iterations": 25, "depth": 1}, {"iterations": 1}]
)
def test_plain_trees_equal_catboost(versions, settings, rng):
    fitted = fit("catboost", versions, settings=settings)
    trees = to_oblivious_trees(fitted)
    borders = trees.border[np.isfinite(trees.border)]
    features = versions.holdout.X[: len(versions.holdout.X)].copy()
    features[: len(borders) % 500, 0] = borders[: len(borders) % 500]  # values exactly on a border
    np.testing.assert_allclose(
        trees.log_odds(features), fitted.decision_function(features), atol=1e-10
    )


def test_one_row_scores_exactly_as_in_a_batch(versions):
    trees = to_oblivious_trees(fit("catboost", versions))
    features = versions.holdout.X[:300]
    alone = np.array([trees.log_odds(features[k : k + 1])[0] for k in range(300)])
    np.testing.assert_array_equal(alone, trees.log_odds(features))


def test_estimator_without_an_exported_model_is_refused(versions):
    with pytest.raises(ValueError, match="cannot be exported"):
        to_oblivious_trees(fit("logistic_regression", versions))


def test_weights_of_the_leaves_of_each_tree_are_all_training_rows(versions):
    form = to_exported_model(fit("catboost", versions))
    weight = np.full(len(form.leaf_weight), float(len(versions.training_rows)))
    np.testing.assert_allclose(form.leaf_weight.sum(axis=1), weight)
    assert form.leaf_weight.shape == form.trees.leaf_value.shape
