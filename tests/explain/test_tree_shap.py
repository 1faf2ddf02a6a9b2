import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.explain.contributions import shap_values
from fraud_core.explain.stability import mean_importance
from fraud_core.explain.tree_shap import ROWS_AT_ONCE, Explainer, build_explainer
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.scoring.leaf_tables import build_leaf_tables, contributions
from fraud_core.scoring.oblivious_trees import Calibration, ObliviousTrees
from fraud_core.scoring.row_scorer import RowScorer
from tests.scoring.test_leaf_tables import random_trees

ROWS = 10_000


def explainer_of(rng, n_trees=20, depth=4, n_features=6):
    trees = random_trees(rng, n_trees, depth, n_features)
    return Explainer(
        trees, build_leaf_tables(trees, rng.integers(1, 9, trees.leaf_value.shape).astype(float))
    )


@pytest.fixture(scope="module")
def fitted(versions):
    rows = versions.training_rows
    return EstimatorConfig("catboost", {"iterations": 60, "depth": 6}, 1).fit(
        rows.X, rows.y_observed
    )


@pytest.fixture(scope="module")
def features(versions):
    """Ten thousand rows: those of the holdout, moved a little so that no two are alike."""
    rows = np.tile(versions.holdout.X, (ROWS // len(versions.holdout.X) + 1, 1))[:ROWS]
    return rows + np.random.default_rng(0).normal(0, 0.1, rows.shape).astype(np.float32)


def test_two_levels_by_hand():
    # bit 0 asks b > 0, bit 1 (the root) asks a > 0; leaves in the order 00, b, a, ab
    trees = ObliviousTrees(
        np.array([[1, 0]]), np.zeros((1, 2), "f4"), np.array([[0.0, 2.0, 4.0, 10.0]]), 1.0
    )
    found = Explainer(trees, build_leaf_tables(trees, np.ones((1, 4)))).explain(
        np.array([[1.0, 1.0], [-1.0, 1.0]])
    )
    # v(∅)=4, v(a)=7, v(b)=6, v(ab)=10; without a: v(a)=1, v(ab)=2
    np.testing.assert_allclose(found.values, [[3.5, 2.5], [-3.5, 1.5]])
    assert found.log_odds.tolist() == [11.0, 3.0]
    assert found.base == 5.0
    assert found.additivity_errors.tolist() == [0.0, 0.0]


def test_value_on_a_border_goes_to_the_lower_side():
    stump = ObliviousTrees(np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0)
    explainer = Explainer(stump, build_leaf_tables(stump, np.ones((1, 2))))
    beyond = np.nextafter(np.float32(0.5), np.float32(1))
    assert explainer.explain(np.array([[0.5], [beyond]])).values.ravel().tolist() == [-1.0, 1.0]


def test_no_row_and_one_row(rng):
    explainer = explainer_of(rng)
    nobody = explainer.explain(np.empty((0, 6)))
    assert (nobody.values.shape, nobody.log_odds.shape) == ((0, 6), (0,))
    row = rng.normal(size=(1, 6))
    np.testing.assert_array_equal(
        explainer.explain(row).values, explainer.explain(np.repeat(row, 9, axis=0)).values[:1]
    )


@pytest.mark.parametrize("depth", [1, 8, 9])
def test_values_are_those_of_the_tables_to_the_bit_and_margins_those_of_the_scorer(rng, depth):
    explainer = explainer_of(rng, depth=depth)
    rows = rng.normal(size=(ROWS_AT_ONCE + 7, 6))
    found = explainer.explain(rows)
    np.testing.assert_array_equal(
        found.values, contributions(explainer.trees, explainer.tables, rows)
    )
    np.testing.assert_allclose(found.log_odds, explainer.trees.log_odds(rows), atol=1e-12)


def test_block_has_no_say(rng):
    explainer = explainer_of(rng)
    rows = rng.normal(size=(2 * ROWS_AT_ONCE + 3, 6))
    found = explainer.explain(rows)
    some = np.array([0, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 2])
    np.testing.assert_array_equal(explainer.explain(rows[some]).values, found.values[some])


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_contributions_follow_their_columns_and_scale_with_the_leaves(seed):
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, 5, 3, 4)
    weight = rng.integers(1, 9, trees.leaf_value.shape).astype(float)
    rows, order = rng.normal(size=(20, 4)).astype("f4"), rng.permutation(4)
    found = Explainer(trees, build_leaf_tables(trees, weight)).explain(rows)
    place = np.argsort(order)
    moved = ObliviousTrees(
        place[trees.feature], trees.border, 2.0 * trees.leaf_value, 2.0 * trees.bias
    )
    again = Explainer(moved, build_leaf_tables(moved, weight)).explain(rows[:, order])
    np.testing.assert_allclose(again.values, 2.0 * found.values[:, order], atol=1e-12)
    np.testing.assert_allclose(again.log_odds, 2.0 * found.log_odds, atol=1e-12)
    assert found.additivity_errors.max() < 1e-12


def test_ten_thousand_rows_add_up_to_the_margin_of_the_served_scorer(fitted, features):
    explainer = build_explainer(fitted)
    found = explainer.explain(features)
    scorer = RowScorer(explainer.trees, explainer.tables, Calibration(1.0, 0.0), features.shape[1])
    log_odds = np.array([scorer.log_odds(row) for row in features])
    assert len(log_odds) == ROWS
    assert found.additivity_errors.max() <= 1e-6
    assert np.abs(found.values.sum(axis=1) + found.base - log_odds).max() <= 1e-6


def test_ten_thousand_rows_equal_catboosts_shap_values(fitted, features):
    from catboost import Pool

    expected = fitted.model.get_feature_importance(
        Pool(features), type="ShapValues", thread_count=1
    )
    found = build_explainer(fitted).explain(features)
    np.testing.assert_allclose(found.values, expected[:, :-1], atol=1e-6)
    assert found.base == pytest.approx(expected[0, -1], abs=1e-6)


def test_ten_thousand_rows_rank_as_shaps_tree_explainer(fitted, features):
    expected, base = shap_values(fitted.model, features)
    found = build_explainer(fitted).explain(features)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.base == pytest.approx(base, abs=1e-6)
    ranks = [
        np.argsort(-mean_importance(values), kind="stable").tolist()
        for values in (found.values, expected)
    ]
    assert ranks[0] == ranks[1]
    # the strongest feature of a row is the same one, too
    np.testing.assert_array_equal(found.values.argmax(axis=1), expected.argmax(axis=1))


def test_features_that_were_simulated_to_matter_speak_loudest(fitted, features, versions):
    importance = mean_importance(build_explainer(fitted).explain(features).values)
    strongest = np.array(versions.card.model_features)[np.argsort(-importance)[:4]]
    assert set(strongest) == {"V1", "V2", "V3", "V4"}


def test_estimator_without_an_exported_model_is_refused(versions):
    rows = versions.training_rows
    fitted = EstimatorConfig("logistic_regression", {}, 1).fit(rows.X, rows.y_observed)
    with pytest.raises(ValueError, match="cannot be exported"):
        build_explainer(fitted)
