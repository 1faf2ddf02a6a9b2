import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.undefended import keep_all


def test_every_row_and_label_is_kept_whatever_it_is():
    y = np.array([0, 1, 1])
    rows = Transactions(np.arange(3.0)[:, None], y, np.ones(3), is_trusted=np.arange(3) == 1)
    defended = keep_all(rows, None, 0)
    assert defended.kept_index.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(defended.rows.y_observed, y)
    np.testing.assert_array_equal(defended.rows.X, rows.X)
    assert not defended.flagged.any()
