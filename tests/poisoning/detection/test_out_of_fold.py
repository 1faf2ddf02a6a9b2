import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.detection.out_of_fold import (
    out_of_fold_scores,
    sample_loss,
    trusted_weight,
)
from fraud_core.poisoning.detection.quantised_pool import quantise


def test_exact_duplicates_share_a_fold(versions):
    rows = versions.training_rows
    twice = np.concatenate([np.arange(len(rows.y_observed)), np.arange(100)])
    doubled = Transactions(
        rows.X[twice],
        rows.y_observed[twice],
        rows.amount_eur[twice],
        is_validation=rows.is_validation[twice],
    )
    fold = out_of_fold_scores(doubled, seed=3).fold
    np.testing.assert_array_equal(fold[-100:], fold[:100])


def test_loss_is_large_where_a_label_is_wrong_and_small_elsewhere(rng):
    y = np.array([0, 1] * 100)
    pool = quantise(3.0 * y[:, None] + rng.uniform(size=(200, 2)))
    wrong = y.copy()
    wrong[[150, 151]] = 1 - y[[150, 151]]
    loss = sample_loss(pool, wrong, np.arange(100), np.arange(100, 200), seed=0)
    assert set(np.argsort(loss)[-2:]) == {50, 51}
    assert loss[[50, 51]].min() > np.log(2) > np.delete(loss, [50, 51]).max()


def test_trusted_labels_weigh_more_the_more_labels_are_wrong_up_to_a_limit():
    assert [trusted_weight(rate) for rate in (0.0, 0.25, 0.5)] == [4.0, 16.0, 40.0]


def test_folds_of_one_class_are_refused():
    rows = Transactions(
        np.arange(20.0)[:, None], np.zeros(20, int), np.ones(20), is_trusted=np.arange(20) > 9
    )
    with pytest.raises(ValueError, match="expected both classes outside each fold, found 0 frauds"):
        out_of_fold_scores(rows, seed=0)
