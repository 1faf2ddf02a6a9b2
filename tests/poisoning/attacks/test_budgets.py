import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.budgets import (
    budget_rows,
    class_rows,
    fraud_budget,
    members_of_one,
)

GROUPS = np.array(["a", "b", "b", "c", "c", "c"])


@pytest.mark.parametrize(("rate", "n", "expected"), [(0.0, 9, 0), (0.34, 9, 3), (1.0, 9, 9)])
def test_rate_is_rounded_to_the_nearest_row(rate, n, expected):
    assert budget_rows(rate, n, "flip") == expected


def test_classes_are_found_in_order_and_an_empty_one_is_refused():
    y = np.array([0, 1, 0, 1])
    assert class_rows(y, 0, "flip").tolist() == [0, 2]
    assert class_rows(y, 1, "flip").tolist() == [1, 3]
    with pytest.raises(ParameterError, match="flip: expected rows of class 1 to attack"):
        class_rows(np.zeros(3), 1, "flip")


def test_budget_of_frauds_does_not_count_the_legitimate_rows():
    frauds, size = fraud_budget(np.array([1, 0, 0, 0, 1, 1, 1]), 0.5, "group")
    assert (frauds.tolist(), size) == ([0, 4, 5, 6], 2)


@pytest.mark.parametrize(("size", "drawn"), [(1, "abc"), (2, "bc"), (3, "c")])
def test_every_group_that_has_enough_frauds_is_drawn_and_no_other(size, drawn):
    members = [
        members_of_one(GROUPS, np.arange(6), size, "group", rng=np.random.default_rng(seed))
        for seed in range(30)
    ]
    assert {"".join(np.unique(GROUPS[rows])) for rows in members} == set(drawn)
    for rows in members:
        assert rows.tolist() == np.flatnonzero(GROUPS[rows[0]] == GROUPS).tolist()


def test_group_is_drawn_by_its_frauds_and_not_by_its_size(rng):
    assert members_of_one(GROUPS, np.array([0, 3]), 1, "group", rng=rng).tolist() in ([0], [3])
    with pytest.raises(ParameterError, match="at most 1 frauds, the most that one group has"):
        members_of_one(GROUPS, np.array([0, 3]), 2, "group", rng=rng)
