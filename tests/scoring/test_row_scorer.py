import numpy as np
import pytest

from fraud_core.scoring.leaf_tables import build_leaf_tables, contributions
from fraud_core.scoring.oblivious_trees import Calibration, ObliviousTrees
from fraud_core.scoring.row_scorer import RowScorer
from tests.scoring.test_leaf_tables import random_trees

CALIBRATION = Calibration(0.8, -0.3)


def model(rng, n_trees=150, depth=6, n_features=29):
    trees = random_trees(rng, n_trees, depth, n_features)
    tables = build_leaf_tables(trees, rng.integers(0, 9, trees.leaf_value.shape) + 1.0)
    return trees, tables, RowScorer(trees, tables, CALIBRATION, n_features)


@pytest.mark.parametrize(
    ("n_trees", "depth"), [(1, 1), (7, 3), (129, 8), (150, 6), (1000, 2), (3, 9)]
)
def test_single_row_gives_the_bytes_of_the_batch(rng, n_trees, depth):
    trees, _, scorer = model(rng, n_trees, depth)
    rows = rng.normal(size=(3000, 29))
    log_odds = trees.log_odds(rows)
    probability = CALIBRATION.probability(log_odds)
    assert [scorer.log_odds(row) for row in rows] == log_odds.tolist()
    assert [scorer.probability(row) for row in rows] == probability.tolist()


def test_value_on_a_border_goes_the_same_way(rng):
    trees, _, scorer = model(rng)
    row = np.zeros(29)
    row[trees.feature[:, 0]] = trees.border[:, 0]
    assert scorer.log_odds(row) == trees.log_odds(row[None])[0]


@pytest.mark.parametrize(("n_trees", "depth"), [(1, 1), (150, 6), (9, 9)])
def test_margins_with_another_value_are_those_of_such_rows(rng, n_trees, depth):
    trees, _, scorer = model(rng, n_trees, depth)
    row = rng.normal(size=29)
    for feature in (0, *trees.feature[0].tolist()):
        border = trees.border[trees.feature == feature].astype(float)
        # the last are larger than a border, but not as float32
        others = np.concatenate([rng.normal(size=20), border, border + 1e-12])
        rows = np.tile(row, (len(others), 1))
        rows[:, feature] = others
        assert scorer.log_odds_with(row, feature, others).tolist() == [
            scorer.log_odds(each) for each in rows
        ]
    assert scorer.log_odds_with(row, 3, np.empty(0)).tolist() == []


def test_explanation_is_that_of_the_batch(rng):
    trees, tables, scorer = model(rng)
    rows = rng.normal(size=(300, 29))
    expected = contributions(trees, tables, rows)
    for row, contribution in zip(rows, expected, strict=True):
        probability, found = scorer.explain(row)
        assert probability == scorer.probability(row)
        np.testing.assert_allclose(found, contribution, atol=1e-12)


def test_extreme_margins_stay_probabilities(rng):
    stump = ObliviousTrees(np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1e6, 1e6]]), 0.0)
    scorer = RowScorer(stump, build_leaf_tables(stump, np.ones((1, 2))), CALIBRATION, 1)
    expected = CALIBRATION.probability(stump.log_odds(np.array([[0.0], [1.0]])))
    assert [scorer.probability(np.array([x])) for x in (0.0, 1.0)] == expected.tolist()
