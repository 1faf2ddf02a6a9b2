from dataclasses import replace

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.drift.performance.forward_chaining import fit_rows, rolling_origin_log_odds
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 10})


def made_rows(n=900):
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 9 == 0).astype(int)
    return Transactions(
        rng.normal(size=(n, 2)) + y[:, None], y, np.ones(n), np.arange(n, dtype=float)
    )


def test_a_block_is_scored_by_a_model_of_everything_before_it_and_nothing_else():
    rows = made_rows()
    log_odds, y_true, row = rolling_origin_log_odds(rows, n_blocks=2, estimator=ESTIMATOR)
    assert row.tolist() == list(range(300, 900))
    assert np.array_equal(y_true, rows.y_observed[300:])
    last = fit_rows(rows, rows.y_observed, np.arange(900) < 600, ESTIMATOR).decision_function(
        rows.X[600:]
    )
    np.testing.assert_allclose(log_odds[300:], last)


def test_later_labels_change_no_earlier_score():
    rows = made_rows()
    turned = replace(
        rows, y_observed=np.where(np.arange(900) >= 600, 1 - rows.y_observed, rows.y_observed)
    )
    before, after = (
        rolling_origin_log_odds(each, n_blocks=2, estimator=ESTIMATOR)[0] for each in (rows, turned)
    )
    assert np.array_equal(before, after)


def test_selected_rows_keep_their_order():
    part = made_rows().take(np.array([5, 3]))
    assert part.time_s.tolist() == [5.0, 3.0]
    assert len(part.X) == len(part.y_observed) == len(part.amount_eur) == 2
