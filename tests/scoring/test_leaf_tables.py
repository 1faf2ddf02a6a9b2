from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.export import to_exported_model
from fraud_core.scoring.leaf_tables import build_leaf_tables, contributions
from fraud_core.scoring.oblivious_trees import ObliviousTrees


def random_trees(rng, n_trees, depth, n_features):
    feature = rng.integers(0, n_features, (n_trees, depth)).astype("i4")
    border = rng.normal(size=(n_trees, depth)).astype("f4")
    return ObliviousTrees(
        feature, border, rng.normal(size=(n_trees, 2**depth)), float(rng.normal())
    )


def by_definition(trees, weight, row, n_features):
    """Shapley values of one row straight from their definition, tree by tree, node by node."""

    def value(tree, known, level, leaf):
        if level < 0:
            return trees.leaf_value[tree, leaf]
        feature, low, high = trees.feature[tree, level], leaf, leaf | 1 << level
        if feature in known:
            return value(
                tree, known, level - 1, high if row[feature] > trees.border[tree, level] else low
            )
        w = [weight[tree, child : child + (1 << level)].sum() for child in (low, high)]
        share = 0.5 if sum(w) == 0 else w[0] / sum(w)
        return share * value(tree, known, level - 1, low) + (1 - share) * value(
            tree, known, level - 1, high
        )

    out = np.zeros(n_features)
    for tree in range(len(trees.feature)):
        features, depth = sorted(set(trees.feature[tree].tolist())), trees.feature.shape[1]
        m = len(features)
        for feature in features:
            others = [other for other in features if other != feature]
            for size in range(m):
                part = factorial(size) * factorial(m - size - 1) / factorial(m)
                for known in combinations(others, size):
                    gain = value(tree, {*known, feature}, depth - 1, 0) - value(
                        tree, set(known), depth - 1, 0
                    )
                    out[feature] += part * gain
    return out


def test_two_levels_by_hand():
    # bit 0 asks b > 0, bit 1 (the root) asks a > 0; leaves in the order 00, b, a, ab
    trees = ObliviousTrees(
        np.array([[1, 0]]), np.zeros((1, 2), "f4"), np.array([[0.0, 2.0, 4.0, 10.0]]), 1.0
    )
    tables = build_leaf_tables(trees, np.ones((1, 4)))
    assert tables.base == 1.0 + 4.0
    # v(∅)=4, v(a)=7, v(b)=6, v(ab)=10
    np.testing.assert_allclose(contributions(trees, tables, np.array([[1.0, 1.0]])), [[3.5, 2.5]])


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_equal_to_the_definition_also_where_no_training_row_went(seed):
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, 3, 3, 4)
    weight = rng.integers(0, 3, (3, 8)).astype(float)
    weight[:, 0] += 1
    rows = rng.normal(size=(4, 4)).astype("f4")
    found = contributions(trees, build_leaf_tables(trees, weight), rows)
    np.testing.assert_allclose(
        found, [by_definition(trees, weight, row, 4) for row in rows], atol=1e-12
    )


def test_contributions_and_base_add_up_to_the_log_odds(rng):
    trees = random_trees(rng, 40, 6, 7)
    tables = build_leaf_tables(trees, rng.integers(1, 9, (40, 64)).astype(float))
    rows = rng.normal(size=(20_000, 7)).astype("f4")
    np.testing.assert_allclose(
        contributions(trees, tables, rows).sum(axis=1) + tables.base,
        trees.log_odds(rows),
        atol=1e-10,
    )


def test_feature_that_no_tree_asks_about_contributes_nothing(rng):
    trees = random_trees(rng, 5, 3, 2)
    rows = rng.normal(size=(50, 4)).astype("f4")
    assert (contributions(trees, build_leaf_tables(trees, np.ones((5, 8))), rows)[:, 2:] == 0).all()


@pytest.mark.parametrize("depth", [1, 4, 6])
def test_equal_to_catboost(versions, depth):
    from catboost import Pool

    rows = versions.training_rows
    fitted = EstimatorConfig("catboost", {"iterations": 30, "depth": depth}, 1).fit(
        rows.X, rows.y_observed
    )
    form = to_exported_model(fitted)
    sample = np.tile(versions.holdout.X, (10, 1))[:10_000]
    tables = build_leaf_tables(form.trees, form.leaf_weight)
    expected = fitted.model.get_feature_importance(Pool(sample), type="ShapValues", thread_count=1)
    np.testing.assert_allclose(
        contributions(form.trees, tables, sample), expected[:, :-1], atol=1e-6
    )
    assert tables.base == pytest.approx(expected[0, -1], abs=1e-6)


def test_trees_shallower_than_the_others_are_explained():
    # one real level; the second is a pad that is never taken
    padded = ObliviousTrees(
        np.array([[1, 0]]), np.array([[0.5, np.inf]], "f4"), np.array([[-1.0, 1.0, 0.0, 0.0]]), 0.0
    )
    tables = build_leaf_tables(padded, np.array([[1.0, 1.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(
        contributions(padded, tables, np.array([[9.0, 1.0]])), [[0.0, 1.0]]
    )
    assert tables.feature_index.tolist() == [[1, -1]]


@pytest.mark.parametrize("weight", [np.ones((1, 2)), np.zeros((1, 4))])
def test_weights_that_do_not_fit_are_refused(weight):
    trees = ObliviousTrees(np.array([[1, 0]]), np.zeros((1, 2), "f4"), np.zeros((1, 4)), 0.0)
    with pytest.raises(ValueError, match="leaf_weight: expected shape"):
        build_leaf_tables(trees, weight)
