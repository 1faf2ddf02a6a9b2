import numpy as np
import pytest

from fraud_core.scoring.oblivious_trees import ROWS_AT_ONCE, Calibration, ObliviousTrees
from tests.scoring.test_leaf_tables import random_trees


def test_levels_are_the_bits_of_the_leaf_by_hand():
    """Level 0 asks the second feature, level 1 the first; the second tree has one real level."""
    trees = ObliviousTrees(
        np.array([[1, 0], [0, 0]]),
        np.array([[0.5, 2.0], [0.0, np.inf]], "f4"),
        np.array([[0.0, 1.0, 2.0, 3.0], [10.0, 20.0, -99.0, -99.0]]),
        0.25,
    )
    rows = np.array([[-1, 0], [-1, 1], [3, 0], [3, 1]])
    assert trees.log_odds(rows).tolist() == [10.25, 11.25, 22.25, 23.25]


def test_value_equal_to_a_border_or_missing_stays_below_it():
    stump = ObliviousTrees(np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0)
    rows = np.array([[0.5], [np.nextafter(np.float32(0.5), np.float32(1))], [np.nan]])
    assert stump.log_odds(rows).tolist() == [-1.0, 1.0, -1.0]


def test_rows_beyond_one_part_score_as_they_do_alone(rng):
    trees = random_trees(rng, 5, 3, 4)
    rows = rng.normal(size=(ROWS_AT_ONCE + 3, 4))
    scored = trees.log_odds(rows)
    for number in (0, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 2):
        assert scored[number] == trees.log_odds(rows[number : number + 1])[0]
    assert trees.log_odds(rows[:0]).shape == (0,)


def test_calibration_by_hand_and_without_overflow():
    calibration = Calibration(2.0, 1.0)
    assert calibration.probability(np.array([-0.5, 0.0])) == pytest.approx([0.5, np.e / (1 + np.e)])
    assert calibration.probability(np.array([1e9, -1e9])).tolist() == pytest.approx([1.0, 0.0])


def test_padding_of_shallow_trees_changes_nothing():
    stump = ObliviousTrees(np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0)
    padded = ObliviousTrees(
        np.array([[0, 0]]), np.array([[0.5, np.inf]], "f4"), np.array([[-1.0, 1.0, 9.0, 9.0]]), 0.0
    )
    x = np.array([[0.0], [0.5], [1.0]])
    np.testing.assert_array_equal(stump.log_odds(x), padded.log_odds(x))
    assert stump.log_odds(x).tolist() == [-1.0, -1.0, 1.0]
