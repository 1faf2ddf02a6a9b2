import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.definition import with_trusted_labels, without

ROWS = Transactions(
    np.arange(4.0)[:, None],
    np.array([0, 1, 0, 1]),
    np.ones(4),
    is_trusted=np.array([False, True, False, True]),
)


def test_flagged_rows_go_and_trusted_rows_stay():
    flagged = np.array([True, True, False, False])
    defended = without(ROWS, flagged)
    assert defended.flagged.tolist() == [True, False, False, False]
    assert defended.kept_index.tolist() == [1, 2, 3]
    assert defended.rows.X.ravel().tolist() == [1.0, 2.0, 3.0]
    assert flagged.tolist() == [True, True, False, False]


def test_trusted_labels_stand_in_place_and_the_labels_as_seen_stay():
    mended = with_trusted_labels(ROWS, np.array([0, 0]))
    assert mended.y_observed.tolist() == [0, 0, 0, 0]
    assert ROWS.y_observed.tolist() == [0, 1, 0, 1]


def test_trusted_labels_must_fit_the_trusted_rows(versions):
    rows = versions.training_rows
    with pytest.raises(ParameterError, match="must not overlap"):
        with_trusted_labels(rows, rows.y_observed)
