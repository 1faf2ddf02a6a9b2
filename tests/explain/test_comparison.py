import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from fraud_core.explain.comparison import added_up, rank_correlation, top_overlap
from fraud_core.explain.tree_shap import Explainer
from fraud_core.scoring.leaf_tables import build_leaf_tables
from tests.scoring.test_leaf_tables import random_trees

VALUES = arrays(
    float, st.tuples(st.integers(1, 6), st.integers(3, 7)), elements=st.integers(-9, 9).map(float)
)


def test_overlap_by_hand():
    own = np.array([[3.0, 2.0, 1.0, -5.0], [3.0, 2.0, 1.0, -5.0], [1.0, -1.0, -2.0, -3.0]])
    other = np.array([[3.0, 2.0, 1.0, 9.0], [-3.0, -2.0, -1.0, 5.0], [0.5, 0.1, 0.2, 0.3]])
    # two of three are kept, none is, and of one reason that one, although it is the other's first
    # of four
    assert top_overlap(own, other).tolist() == [pytest.approx(2 / 3), 0.0, 1.0]


def test_rows_without_reasons_count_as_kept():
    assert top_overlap(np.array([[-1.0, 0.0, -2.0]]), np.array([[1.0, 2.0, 3.0]])).tolist() == [1.0]


def test_lowering_contributions_are_no_reasons():
    assert top_overlap(np.array([[1.0, -9.0]]), np.array([[-9.0, 1.0]])).tolist() == [0.0]


@given(VALUES)
def test_overlap_lies_between_none_and_all_and_is_whole_with_itself(values):
    other = np.random.default_rng(0).permuted(values, axis=1)
    found = top_overlap(values, other)
    assert ((found >= 0) & (found <= 1)).all()
    assert top_overlap(values, values).tolist() == [1.0] * len(values)
    np.testing.assert_array_equal(top_overlap(7.0 * values, other), found)


@given(st.integers(0, 10_000))
def test_rank_correlation_equals_scipy_with_ties(seed):
    rng = np.random.default_rng(seed)
    own, other = rng.integers(0, 6, (3, 9)).astype(float), rng.integers(0, 6, (3, 9)).astype(float)
    own[:, :2], other[:, :2] = [0, 5], [5, 0]
    expected = [spearmanr(a, b).statistic for a, b in zip(own, other, strict=True)]
    np.testing.assert_allclose(rank_correlation(own, other), expected, atol=1e-12)


def test_rank_correlation_sees_the_order_alone():
    own = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert rank_correlation(own, np.exp(own)).tolist() == [1.0]
    assert rank_correlation(own, -own).tolist() == [-1.0]


def test_contributions_that_do_not_add_up_are_refused(rng):
    trees = random_trees(rng, 5, 3, 4)
    tables = build_leaf_tables(trees, np.ones(trees.leaf_value.shape))
    wrong = type(tables)(tables.feature_index, tables.contribution, tables.base + 2e-6)
    rows = rng.normal(size=(50, 4))
    assert added_up(Explainer(trees, tables), rows).additivity_errors.max() < 1e-9
    with pytest.raises(ArithmeticError, match="to add up to the log-odds to 1e-6"):
        added_up(Explainer(trees, wrong), rows)
