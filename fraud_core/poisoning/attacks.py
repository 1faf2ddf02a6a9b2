"""Label attacks. Each is seeded, changes nothing in place, and returns the rows it changed so that it can be scored."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Direction = Literal["legit_to_fraud", "fraud_to_legit", "symmetric"]


@dataclass(frozen=True)
class Poisoned:
    """Labels after an attack.

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


def flip_labels(y_true: np.ndarray, direction: Direction, poison_rate: float, *, rng: np.random.Generator) -> Poisoned:
    """Flip a share of the labels of a class, drawn at random.

    Parameters
    ----------
    y_true
        Shape (n_samples,), 0 or 1.
    direction
        ``legit_to_fraud`` attacks the legitimate rows, ``fraud_to_legit`` the frauds, ``symmetric`` both.
    poison_rate
        Share of the rows of each attacked class, in [0, 1]; the count is rounded to the nearest row.
    rng
        Source of the draw.

    Returns
    -------
    Poisoned

    Raises
    ------
    ValueError
        When the rate is outside [0, 1], the direction unknown, or an attacked class empty.

    Notes
    -----
    Where fraud is rare the two directions differ by orders of magnitude: a few percent of the legitimate rows are
    many times all frauds, a few percent of the frauds are a handful of rows.

    References
    ----------
    B. Biggio, B. Nelson and P. Laskov (2011), Support vector machines under adversarial label noise.

    Examples
    --------
    >>> y = np.array([0] * 90 + [1] * 10)
    >>> found = flip_labels(y, "fraud_to_legit", 0.5, rng=np.random.default_rng(0))
    >>> len(found.changed), int(found.y.sum())
    (5, 5)
    """
    attacked = {"legit_to_fraud": [0], "fraud_to_legit": [1], "symmetric": [0, 1]}
    if direction not in attacked:
        raise ValueError(f"direction: expected one of {', '.join(attacked)}, got {direction!r}")
    if not 0 <= poison_rate <= 1:
        raise ValueError(f"poison_rate: expected a share in [0, 1], got {poison_rate}")
    chosen = []
    for label in attacked[direction]:
        rows = np.flatnonzero(y_true == label)
        if not len(rows):
            raise ValueError(f"{direction}: expected rows of class {label} to attack, found none")
        chosen.append(rng.choice(rows, size=round(poison_rate * len(rows)), replace=False))
    changed = np.sort(np.concatenate(chosen))
    y = y_true.copy()
    y[changed] = 1 - y[changed]
    false_frauds = int(np.sum((y == 1) & (y_true == 0)))
    return Poisoned(y=y, changed=changed, false_fraud_share=false_frauds / max(1, int(np.sum(y))))
