"""Evaluation as the days pass: train on days, wait for their labels, test on the days after that.

References
----------
Dal Pozzolo, Boracchi, Caelen, Alippi and Bontempi (2018), Credit Card Fraud Detection: A Realistic
Modeling and a Novel Learning Strategy, IEEE Transactions on Neural Networks and Learning Systems
29(8): the delay of labels, and card precision.

Le Borgne, Siblini, Lebichot and Bontempi (2022), Reproducible Machine Learning for Credit Card
Fraud Detection: Practical Handbook, section 3.4 (`get_train_test_set`) and chapter 5: the split,
and which customers it leaves out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from fraud_core.errors import ParameterError

Known = Literal["training_week", "stream"]
LEFT_OUT: dict[str, str] = {
    "training_week": "customers with a fraud since the training days began that was known on the "
    "day",
    "stream": "customers with any fraud that was reported since the stream began",
}


@dataclass(frozen=True)
class Fold:
    """Rows of one step, as indices.

    Attributes
    ----------
    train
        Of the training days.
    test
        Of the test days, without the customers who are left out as known to be compromised.
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
    known: Known = "training_week",
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
    known
        Whose payments are not tested, because their card would be blocked by then.
        ``training_week``, the rule of the Handbook: on each test day, customers with a fraud among
        the payments since the training days began that was reported before that day. ``stream``:
        customers with any fraud, however old, that was reported before the test days began; more
        are left out the longer the stream, so card precision falls and steps cannot be compared.

    Raises
    ------
    ParameterError
        When the rows end before the last step, or the rule is unknown.

    Notes
    -----
    The Handbook reveals every fraud exactly after the delay: on test day k it leaves out the frauds
    of the training days and of the first k days of the delay. With such reports ``training_week``
    is the same rule.

    Examples
    --------
    >>> day = np.arange(30)
    >>> fold = next(prequential_folds(day, day, np.full(30, -1), first_day=0, n_folds=1))
    >>> fold.train.tolist(), fold.test.tolist()
    ([0, 1, 2, 3, 4, 5, 6], [14, 15, 16, 17, 18, 19, 20])
    """
    if known not in LEFT_OUT:
        raise ParameterError(
            f"entities.folds: known: expected one of {', '.join(get_args(Known))}, got {known!r}"
        )
    needed = first_day + train_days + delay_days + n_folds * test_days
    if day.max(initial=-1) + 1 < needed:
        raise ParameterError(
            f"entities.folds: {n_folds} steps from day {first_day} need {needed} days, the events "
            "have "
            f"{day.max(initial=-1) + 1}; take fewer steps or an earlier first day"
        )
    for step in range(n_folds):
        begin = first_day + step * test_days
        test_day = begin + train_days + delay_days
        train = np.flatnonzero((day >= begin) & (day < begin + train_days))
        tested = np.flatnonzero((day >= test_day) & (day < test_day + test_days))
        since = begin if known == "training_week" else day.min()
        known_from = _known_from(customer, np.where(day >= since, known_fraud_day, -1))
        seen_on = day[tested] if known == "training_week" else test_day
        yield Fold(train, tested[known_from[tested] >= seen_on], test_day)


def _known_from(customer: np.ndarray, known_fraud_day: np.ndarray) -> np.ndarray:
    """Day of the first report of each row's customer; later than every day without one."""
    cards, place = np.unique(customer, return_inverse=True)
    first = np.full(len(cards), np.iinfo(np.int64).max)
    reported = known_fraud_day >= 0
    np.minimum.at(first, place[reported], known_fraud_day[reported])
    return first[place]


def left_out_share(day: np.ndarray, fold: Fold, *, test_days: int) -> float:
    """Share of the payments of a step's test days that are not tested.

    Examples
    --------
    >>> left_out_share(
    ...     np.array([0, 1, 1, 2, 2]), Fold(np.array([0]), np.array([1, 3]), day=1), test_days=2
    ... )
    0.5
    """
    paid = int(np.sum((day >= fold.day) & (day < fold.day + test_days)))
    return 1 - len(fold.test) / paid


def card_precision_at_k(
    day: np.ndarray, customer: np.ndarray, y_true: np.ndarray, y_score: np.ndarray, k: int
) -> np.ndarray:
    """Share of compromised cards among the k of highest score, by day.

    A card scores the highest of its payments of the day and is compromised when any of them is
    fraud. A card that was found on an earlier day is not looked at again.

    Returns
    -------
    numpy.ndarray
        One precision for each day in order, shape (n_days,), from 0 to 1.

    Examples
    --------
    >>> card_precision_at_k(
    ...     np.zeros(4),
    ...     np.array([1, 1, 2, 3]),
    ...     np.array([0, 1, 0, 0]),
    ...     np.array([0.1, 0.9, 0.8, 0.2]),
    ...     2,
    ... )
    array([0.5])
    """
    known: set[int] = set()
    precisions: list[float] = []
    for one_day in np.unique(day):
        rows = np.flatnonzero((day == one_day) & ~np.isin(customer, list(known)))
        cards, place = np.unique(customer[rows], return_inverse=True)
        score, fraud = np.full(len(cards), -np.inf), np.zeros(len(cards), bool)
        np.maximum.at(score, place, y_score[rows])
        np.logical_or.at(fraud, place, y_true[rows] == 1)
        top = np.argsort(-score, kind="stable")[:k]
        precisions.append(float(fraud[top].sum() / k))
        known |= set(cards[top][fraud[top]].tolist())
    return np.asarray(precisions)
