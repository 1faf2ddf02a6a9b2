import numpy as np
import pytest

from fraud_core.data.rows import Transactions, to_transactions
from fraud_core.errors import ParameterError


def test_arrays_hold_features_in_card_order(toy, card):
    arrays = to_transactions(toy, card)
    assert arrays.X.dtype == "float32"
    assert arrays.X[3, -1] == pytest.approx(toy["Amount"][3], rel=1e-6)
    assert arrays.y_observed.sum() == toy["Class"].sum()


def three(**columns):
    return Transactions(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]), np.ones(3), **columns)


def test_columns_that_are_not_given_follow_from_the_others():
    late = np.array([False, False, True])
    rows = three(is_validation=late)
    assert rows.time_s.tolist() == [0.0, 1.0, 2.0]
    assert rows.is_trusted is late
    assert not three().is_validation.any()
    assert rows.entity is rows.source is rows.sensitive is None


def test_rows_that_are_taken_keep_every_column():
    rows = three(source=np.array(["a", "b", "c"]), is_trusted=np.array([True, False, False]))
    for index in (np.array([2, 0]), np.array([True, False, True])):
        taken = rows.take(index)
        assert sorted(taken.source) == ["a", "c"]
        assert taken.is_trusted.sum() == 1
        assert sorted(taken.X[:, 0]) == [0.0, 4.0]


def test_other_labels_leave_the_rows_as_they_were():
    rows = three()
    changed = rows.with_labels(np.ones(3, int))
    assert changed.y_observed.tolist() == [1, 1, 1]
    assert rows.y_observed.tolist() == [0, 1, 0]
    assert changed.X is rows.X


def test_appended_rows_stand_last():
    rows = three(entity=np.array([7, 8, 9]))
    both = rows.append(rows.take(np.array([1])))
    assert both.entity.tolist() == [7, 8, 9, 8]
    assert both.y_observed.tolist() == [0, 1, 0, 1]
    assert len(both) == len(both.time_s) == 4


@pytest.mark.parametrize("name", ["y_observed", "amount_eur", "time_s", "source"])
def test_column_of_another_length_is_named(name):
    columns = {"X": np.zeros((3, 1)), "y_observed": np.zeros(3), "amount_eur": np.zeros(3)}
    with pytest.raises(ParameterError, match=f"{name}: expected 3 values"):
        Transactions(**columns | {name: np.zeros(2)})
