import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.attacks.definition import (
    FRAUD,
    LEGITIMATE,
    Attack,
    Trigger,
    false_fraud_share,
    hidden,
    relabelled,
)

ROWS = Transactions(np.arange(4.0)[:, None], np.array([0, 1, 1, 1]), np.ones(4))


def test_stamp_leaves_its_input_alone():
    features = np.zeros((2, 3), "f4")
    stamped = Trigger(np.array([0, 2]), np.array([1.0, 2.0], "f4")).stamp(features)
    np.testing.assert_array_equal(stamped, [[1, 0, 2], [1, 0, 2]])
    assert not features.any()


def test_hidden_frauds_keep_their_true_label_and_their_features():
    found = hidden(ROWS, np.array([3, 1]))
    assert found.changed.tolist() == [1, 3]
    assert found.y_observed.tolist() == [0, 0, 1, 0]
    assert found.y_true.tolist() == ROWS.y_observed.tolist() == [0, 1, 1, 1]
    assert found.rows.X is ROWS.X
    assert found.trigger is None


def test_false_frauds_are_a_share_of_the_fraud_labels():
    assert relabelled(ROWS, np.ones(4, int), np.array([0])).false_fraud_share == 0.25
    assert false_fraud_share(np.zeros(3), np.ones(3)) == 0.0


@pytest.mark.parametrize(
    ("attacked", "words", "adds_only"),
    [
        ((FRAUD,), "share of the frauds", False),
        ((LEGITIMATE,), "share of the legitimate payments", True),
        ((LEGITIMATE, FRAUD), "share of each class", False),
    ],
)
def test_attacked_classes_say_what_the_budget_is_of(attacked, words, adds_only):
    entry = Attack("name", attacked, "words", lambda rows, *_: hidden(rows, np.array([1])))
    assert (entry.budget_words, entry.adds_false_frauds_only) == (words, adds_only)
