"""Random flips of labels within a class; the poisoned versions of v0 are written with them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.budgets import budget_rows, class_rows
from fraud_core.poisoning.attacks.definition import (
    FRAUD,
    LEGITIMATE,
    Attack,
    Poisoned,
    ThreatModel,
    false_fraud_share,
    relabelled,
)

Direction = Literal["legit_to_fraud", "fraud_to_legit", "symmetric"]
ATTACKED_CLASSES = {
    "legit_to_fraud": (LEGITIMATE,),
    "fraud_to_legit": (FRAUD,),
    "symmetric": (LEGITIMATE, FRAUD),
}


@dataclass(frozen=True)
class Flipped:
    """Labels after a flip.

    Attributes
    ----------
    y
        Shape (n_samples,), the labels the trainer sees.
    changed
        Sorted indices of the rows whose label is no longer the true one.
    false_fraud_share
        Share of the fraud labels that are false, in [0, 1].
    """

    y: np.ndarray
    changed: np.ndarray
    false_fraud_share: float


def flip_labels(
    y_true: np.ndarray, direction: Direction, poison_rate: float, *, rng: np.random.Generator
) -> Flipped:
    """Flip a share of the labels of a class, drawn at random.

    Parameters
    ----------
    y_true
        Shape (n_samples,), 0 or 1.
    direction
        ``legit_to_fraud`` attacks the legitimate rows, ``fraud_to_legit`` the frauds, ``symmetric``
        both.
    poison_rate
        Share of the rows of each attacked class, in [0, 1]; the count is rounded to the nearest
        row.
    rng
        Source of the draw.

    Raises
    ------
    ParameterError
        When the rate is outside [0, 1], the direction unknown, or an attacked class empty.

    Notes
    -----
    Where fraud is rare the two directions differ by orders of magnitude: a few percent of the
    legitimate rows are many times all frauds, a few percent of the frauds are a handful of rows.

    References
    ----------
    B. Biggio, B. Nelson and P. Laskov (2011), Support vector machines under adversarial label
    noise.

    Examples
    --------
    >>> y = np.array([0] * 90 + [1] * 10)
    >>> flipped = flip_labels(y, "fraud_to_legit", 0.5, rng=np.random.default_rng(0))
    >>> len(flipped.changed), int(flipped.y.sum())
    (5, 5)
    """
    if direction not in ATTACKED_CLASSES:
        raise ParameterError(
            f"direction: expected one of {', '.join(ATTACKED_CLASSES)}, got {direction!r}"
        )
    chosen = []
    for label in ATTACKED_CLASSES[direction]:
        rows = class_rows(y_true, label, direction)
        chosen.append(
            rng.choice(rows, size=budget_rows(poison_rate, len(rows), direction), replace=False)
        )
    changed = np.sort(np.concatenate(chosen))
    y = y_true.copy()
    y[changed] = 1 - y[changed]
    return Flipped(y=y, changed=changed, false_fraud_share=false_fraud_share(y, y_true))


def _flips(direction: Direction, words: str) -> Attack:
    def poison(
        rows: Transactions, poison_rate: float, known: ThreatModel, rng: np.random.Generator
    ) -> Poisoned:
        flipped = flip_labels(rows.y_observed, direction, poison_rate, rng=rng)
        return relabelled(rows, flipped.y, flipped.changed)

    return Attack(direction, ATTACKED_CLASSES[direction], words, poison)


LEGIT_TO_FRAUD = _flips("legit_to_fraud", "calls random legitimate payments fraud")
FRAUD_TO_LEGIT = _flips("fraud_to_legit", "calls random frauds legitimate")
SYMMETRIC = _flips("symmetric", "flips random labels of both classes")
