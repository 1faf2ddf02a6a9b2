"""Evaluation as the days pass: train on days, wait for their labels, test on the days after that.

References
----------
Dal Pozzolo, Boracchi, Caelen, Alippi and Bontempi (2018), Credit Card Fraud Detection: A Realistic Modeling and a
Novel Learning Strategy, IEEE Transactions on Neural Networks and Learning Systems 29(8): the delay of labels, and
card precision.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fraud_core.errors import ParameterError


@dataclass(frozen=True)
class Fold:
    """Rows of one step, as indices.

    Attributes
    ----------
    train
        Of the training days.
    test
        Of the test days, without the customers who were known to be compromised when they began.
    day
        First test day.
    """

    train: np.ndarray
    test: np.ndarray
    day: int


def prequential_folds(
    day: np.ndarray,
    customer: np.ndarray,
    known_fraud_day: np.ndarray,
    *,
    first_day: int,
    train_days: int = 7,
    delay_days: int = 7,
    test_days: int = 7,
    n_folds: int = 4,
) -> Iterator[Fold]:
    """Steps in order of time, each a test period after the one before.

    Parameters
    ----------
    day, customer
        Of each row, shape (n_rows,).
    known_fraud_day
        Day on which the row was reported as fraud, shape (n_rows,); -1 when it never was.
    first_day
        First training day of the first step.

    Raises
    ------
    ParameterError
        When the rows end before the last step.

    Examples
    --------
    >>> day = np.arange(30)
    >>> fold = next(prequential_folds(day, day, np.full(30, -1), first_day=0, n_folds=1))
    >>> fold.train.tolist(), fold.test.tolist()
    ([0, 1, 2, 3, 4, 5, 6], [14, 15, 16, 17, 18, 19, 20])
    """
    needed = first_day + train_days + delay_days + n_folds * test_days
    if day.max(initial=-1) + 1 < needed:
        raise ParameterError(
            f"entities.folds: {n_folds} steps from day {first_day} need {needed} days, the events have "
            f"{day.max(initial=-1) + 1}; take fewer steps or an earlier first day"
        )
    for step in range(n_folds):
        begin = first_day + step * test_days
        test_day = begin + train_days + delay_days
        train = np.flatnonzero((day >= begin) & (day < begin + train_days))
        known = np.unique(customer[(known_fraud_day >= 0) & (known_fraud_day < test_day)])
        tested = (day >= test_day) & (day < test_day + test_days) & ~np.isin(customer, known)
        yield Fold(train, np.flatnonzero(tested), test_day)


def card_precision_at_k(
    day: np.ndarray, customer: np.ndarray, y_true: np.ndarray, y_score: np.ndarray, k: int
) -> np.ndarray:
    """Share of compromised cards among the k of highest score, by day.

    A card scores the highest of its payments of the day and is compromised when any of them is fraud. A card that was
    found on an earlier day is not looked at again.

    Returns
    -------
    numpy.ndarray
        One precision for each day in order, shape (n_days,), from 0 to 1.

    Examples
    --------
    >>> card_precision_at_k(np.zeros(4), np.array([1, 1, 2, 3]), np.array([0, 1, 0, 0]), np.array([.1, .9, .8, .2]), 2)
    array([0.5])
    """
    found: set[int] = set()
    precisions = []
    for each in np.unique(day):
        rows = np.flatnonzero((day == each) & ~np.isin(customer, list(found)))
        cards, place = np.unique(customer[rows], return_inverse=True)
        score, fraud = np.full(len(cards), -np.inf), np.zeros(len(cards), bool)
        np.maximum.at(score, place, y_score[rows])
        np.logical_or.at(fraud, place, y_true[rows] == 1)
        top = np.argsort(-score, kind="stable")[:k]
        precisions.append(fraud[top].sum() / k)
        found |= set(cards[top][fraud[top]].tolist())
    return np.asarray(precisions)
