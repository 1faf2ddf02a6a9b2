import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.evaluation.prequential import card_precision_at_k, left_out_share, prequential_folds

DAY = np.repeat(np.arange(40), 5)
CUSTOMER = np.tile(np.arange(5), 40)
NEVER = np.full(len(DAY), -1)


def test_labels_of_the_training_days_have_come_when_the_test_begins():
    for fold in prequential_folds(DAY, CUSTOMER, NEVER, first_day=2, n_folds=3):
        assert DAY[fold.train].max() + 7 < DAY[fold.test].min()
        assert DAY[fold.test].min() == fold.day


def test_customers_known_to_be_compromised_are_not_tested():
    reported = NEVER.copy()
    reported[3] = 10  # customer 3
    reported[4] = 15  # customer 4, after the first test day
    first, second = prequential_folds(
        DAY, CUSTOMER, reported, first_day=0, n_folds=2, known="stream"
    )
    assert set(CUSTOMER[first.test]) == {0, 1, 2, 4}
    assert set(CUSTOMER[second.test]) == {0, 1, 2}


def handbook_test_rows(day, customer, fraud, begin, train_days, delay_days, test_days):
    """`get_train_test_set` of the Handbook, section 3.4,
    on arrays; every fraud is revealed after the delay.
    """
    known = set(customer[(day >= begin) & (day < begin + train_days) & fraud])
    rows = []
    for k in range(test_days):
        known |= set(customer[(day == begin + train_days + k - 1) & fraud])
        today = np.flatnonzero(day == begin + train_days + delay_days + k)
        rows += [row for row in today if customer[row] not in known]
    return np.array(rows)


def test_default_is_the_split_of_the_handbook(rng):
    day, customer = np.sort(rng.integers(0, 60, 6000)), rng.integers(0, 300, 6000)
    fraud = rng.random(6000) < 0.03
    reported = np.where(fraud, day + 7, -1)
    folds = list(prequential_folds(day, customer, reported, first_day=3, n_folds=5))
    for step, fold in enumerate(folds):
        expected = handbook_test_rows(day, customer, fraud, 3 + 7 * step, 7, 7, 7)
        np.testing.assert_array_equal(fold.test, expected)
    share = [left_out_share(day, fold, test_days=7) for fold in folds]
    stream = prequential_folds(day, customer, reported, first_day=3, n_folds=5, known="stream")
    growing = [left_out_share(day, fold, test_days=7) for fold in stream]
    assert max(share) - min(share) < 0.15
    assert growing[-1] > growing[0] + 0.2


def test_fraud_from_before_the_training_week_leaves_nobody_out_by_default():
    reported = NEVER.copy()
    reported[3] = 10  # a payment of day 0, before the training days
    assert set(
        CUSTOMER[next(prequential_folds(DAY, CUSTOMER, reported, first_day=2, n_folds=1)).test]
    ) == set(range(5))


def test_fraud_leaves_a_customer_out_from_the_day_after_its_report():
    reported = NEVER.copy()
    reported[4] = 16  # customer 4 pays on day 0, the report comes on the third test day
    fold = next(prequential_folds(DAY, CUSTOMER, reported, first_day=0, n_folds=1))
    assert DAY[fold.test][CUSTOMER[fold.test] == 4].tolist() == [14, 15, 16]


def test_unknown_rule_is_refused_by_name():
    with pytest.raises(
        ParameterError, match="known: expected one of training_week, stream, got 'month'"
    ):
        next(prequential_folds(DAY, CUSTOMER, NEVER, first_day=0, n_folds=1, known="month"))


def test_card_that_was_found_is_not_looked_at_again():
    day = np.array([0, 0, 1, 1])
    customer, y_true = np.array([7, 8, 7, 8]), np.array([1, 0, 1, 1])
    np.testing.assert_allclose(
        card_precision_at_k(day, customer, y_true, np.array([0.9, 0.1, 0.9, 0.2]), 1), [1.0, 1.0]
    )


def test_card_counts_once_however_often_it_pays():
    day, customer = np.zeros(4), np.array([1, 1, 1, 2])
    np.testing.assert_allclose(
        card_precision_at_k(
            day, customer, np.array([0, 0, 0, 1]), np.array([0.9, 0.8, 0.7, 0.1]), 2
        ),
        [0.5],
    )
