import numpy as np

from fraud_core.model.prequential import card_precision_at_k, prequential_folds

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
    first, second = prequential_folds(DAY, CUSTOMER, reported, first_day=0, n_folds=2)
    assert set(CUSTOMER[first.test]) == {0, 1, 2, 4}
    assert set(CUSTOMER[second.test]) == {0, 1, 2}


def test_card_that_was_found_is_not_looked_at_again():
    day = np.array([0, 0, 1, 1])
    customer, y_true = np.array([7, 8, 7, 8]), np.array([1, 0, 1, 1])
    np.testing.assert_allclose(
        card_precision_at_k(day, customer, y_true, np.array([0.9, 0.1, 0.9, 0.2]), 1), [1.0, 1.0]
    )


def test_card_counts_once_however_often_it_pays():
    day, customer = np.zeros(4), np.array([1, 1, 1, 2])
    np.testing.assert_allclose(
        card_precision_at_k(day, customer, np.array([0, 0, 0, 1]), np.array([0.9, 0.8, 0.7, 0.1]), 2), [0.5]
    )
