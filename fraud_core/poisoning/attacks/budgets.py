"""Budgets of attacks: shares of the attacked class,
as counts of the rows that an attacker changes.
"""

import numpy as np

from fraud_core.errors import ParameterError


def budget_rows(poison_rate: float, n_attackable: int, what: str) -> int:
    """Rows that a rate stands for.

    Examples
    --------
    >>> budget_rows(0.1, 281, "fraud_to_legit")
    28
    """
    if not 0 <= poison_rate <= 1:
        raise ParameterError(
            f"{what}: expected a rate in [0, 1], got {poison_rate}; it is a share of the class"
        )
    return round(poison_rate * n_attackable)


def class_rows(y_true: np.ndarray, label: int, what: str) -> np.ndarray:
    """Rows of a class; ParameterError, naming `what`, when there are none.

    Examples
    --------
    >>> class_rows(np.array([0, 1]), 1, "flip")
    array([1])
    """
    rows = np.flatnonzero(y_true == label)
    if not len(rows):
        raise ParameterError(f"{what}: expected rows of class {label} to attack, found none")
    return rows


def fraud_budget(y_true: np.ndarray, poison_rate: float, what: str) -> tuple[np.ndarray, int]:
    """Frauds that can be attacked, and how many of them a rate stands for.

    Parameters
    ----------
    y_true
        Shape (n_samples,), 0 or 1.
    poison_rate
        Share of the frauds, in [0, 1].
    what
        Attack that asks, for the message.

    Returns
    -------
    frauds, size
        Rows in time order, and a count.

    Raises
    ------
    ParameterError
        When there is no fraud, or the rate is outside [0, 1].

    Examples
    --------
    >>> frauds, size = fraud_budget(np.array([0, 1, 1, 1]), 0.6, "margin_based")
    >>> frauds.tolist(), size
    ([1, 2, 3], 2)
    """
    frauds = class_rows(y_true, 1, what)
    return frauds, budget_rows(poison_rate, len(frauds), what)


def members_of_one(
    values: np.ndarray | None, frauds: np.ndarray, size: int, what: str, *, rng: np.random.Generator
) -> np.ndarray:
    """Frauds, in time order, of a group or source that is drawn among those with enough of them.

    Parameters
    ----------
    values
        Shape (n_samples,), group or source of each row; None where the table has no such column.
    frauds
        Rows, in time order.
    size
        Frauds that the attacker needs.
    what
        Name of the attack, which is that of the column too.
    rng
        Source of the draw.

    Raises
    ------
    ParameterError
        When the column is missing, or no group or source has so many frauds.

    Examples
    --------
    >>> values = np.array(["a", "b", "b", "b"])
    >>> members_of_one(values, np.array([0, 2, 3]), 2, "group", rng=np.random.default_rng(0))
    array([2, 3])
    """
    if values is None:
        raise ParameterError(
            f"{what}: expected a {what} for each row in `knowledge.{what}`, got none; the data "
            "set has no such column, "
            "or it was not passed"
        )
    names, counts = np.unique(values[frauds], return_counts=True)
    if counts.max() < size:
        raise ParameterError(
            f"{what}: expected a budget of at most {counts.max()} frauds, the most that one "
            f"{what} has, got {size}; "
            "lower the rate"
        )
    return frauds[values[frauds] == rng.choice(names[counts >= size])]
