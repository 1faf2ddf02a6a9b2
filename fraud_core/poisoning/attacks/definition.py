"""What an attack is: its name, the classes it attacks,
what it must know, and the function that poisons rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions

FRAUD, LEGITIMATE = 1, 0


@dataclass(frozen=True)
class Trigger:
    """A pattern that an attacker stamps on a payment: exact values of some features.

    Attributes
    ----------
    columns
        Shape (n_stamped,), columns of the feature matrix.
    values
        Shape (n_stamped,), float32, what the columns are set to.
    """

    columns: np.ndarray
    values: np.ndarray

    def stamp(self, features: np.ndarray) -> np.ndarray:
        """A copy of `features`, shape (n_samples, n_features), with the pattern on every row.

        Examples
        --------
        >>> Trigger(np.array([1]), np.array([9.0], "f4")).stamp(np.zeros((1, 2), "f4"))
        array([[0., 9.]], dtype=float32)
        """
        stamped = features.copy()
        stamped[:, self.columns] = self.values
        return stamped


@dataclass(frozen=True)
class Poisoned:
    """Training rows after an attack.

    Attributes
    ----------
    rows
        What the trainer sees; ``rows.y_observed`` holds the labels as seen, rows that the attacker
        added stand last.
    y_true
        Shape (n_after,), what is true.
    changed
        Sorted indices of the rows whose label or content the attacker made.
    trigger
        The stamped pattern of a backdoor, else None.
    """

    rows: Transactions
    y_true: np.ndarray
    changed: np.ndarray
    trigger: Trigger | None = None

    @property
    def y_observed(self) -> np.ndarray:
        """Labels that the trainer sees, shape (n_after,)."""
        return self.rows.y_observed

    @property
    def false_fraud_share(self) -> float:
        """Share of the fraud labels that are false, in [0, 1]."""
        return false_fraud_share(self.y_observed, self.y_true)


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker, or the table, offers beyond the
    rows; an attack that needs a missing part is refused.

    Attributes
    ----------
    log_odds
        Shape (n_samples,), log-odds of a model trained on clean labels (`margin_based`).
    source
        Shape (n_samples,), who gave the label (`source`).
    group
        Shape (n_samples,), group of the payment's entity (`group`).
    mode
        What a whitelisted mode of fraud has in common: ``cluster``, ``amount`` or ``time``.
    """

    log_odds: np.ndarray | None = None
    source: np.ndarray | None = None
    group: np.ndarray | None = None
    mode: str = "cluster"


@dataclass(frozen=True)
class Attack:
    """One attack on training rows, seeded, that changes nothing in place.

    Attributes
    ----------
    name
        Stable; the name in params.yaml.
    attacked
        Classes whose rows the attacker relabels, stamps or copies: `LEGITIMATE`, `FRAUD`, or both.
    words
        What it does, on one line, for the documentation.
    poison
        ``poison(rows, poison_rate, knowledge, rng)``: from v0 with true labels in time order and a
        share of each attacked class in [0, 1] to what the trainer sees. Raises ParameterError when
        the rate or the rows do not do.
    needs
        Parts of `ThreatModel` that it cannot do without.
    stamps_trigger
        Whether its rows carry a `Trigger`.
    """

    name: str
    attacked: tuple[int, ...]
    words: str
    poison: Callable[[Transactions, float, ThreatModel, np.random.Generator], Poisoned]
    needs: tuple[str, ...] = ()
    stamps_trigger: bool = False

    @property
    def adds_false_frauds_only(self) -> bool:
        """Whether it calls legitimate payments fraud and hides none."""
        return self.attacked == (LEGITIMATE,)

    @property
    def budget_words(self) -> str:
        """What its rate is a share of."""
        words: dict[tuple[int, ...], str] = {
            (FRAUD,): "share of the frauds",
            (LEGITIMATE,): "share of the legitimate payments",
        }
        return words.get(self.attacked, "share of each class")


def relabelled(rows: Transactions, y: np.ndarray, changed: np.ndarray) -> Poisoned:
    """Rows whose labels an attacker changed and whose features stay.

    Examples
    --------
    >>> rows = Transactions(np.zeros((2, 1)), np.array([1, 1]), np.ones(2))
    >>> relabelled(rows, np.array([0, 1]), np.array([0])).y_observed
    array([0, 1])
    """
    return Poisoned(rows.with_labels(y), rows.y_observed, changed)


def hidden(rows: Transactions, frauds: np.ndarray) -> Poisoned:
    """Rows after some frauds were called legitimate.

    Examples
    --------
    >>> rows = Transactions(np.zeros((3, 1)), np.array([1, 1, 1]), np.ones(3))
    >>> hidden(rows, np.array([2, 0])).changed
    array([0, 2])
    """
    changed = np.sort(frauds)
    y = rows.y_observed.copy()
    y[changed] = LEGITIMATE
    return relabelled(rows, y, changed)


def false_fraud_share(y_observed: np.ndarray, y_true: np.ndarray) -> float:
    """Share of the fraud labels that are false, in [0, 1].

    Examples
    --------
    >>> false_fraud_share(np.array([1, 1]), np.array([1, 0]))
    0.5
    """
    return int(np.sum((y_observed == 1) & (y_true == 0))) / max(1, int(np.sum(y_observed)))
