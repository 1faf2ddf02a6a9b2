"""Causes of a difference between two windows, simulated over real rows at a chosen severity.

Reference and current window are random halves of one pool, so without a cause nothing differs but
chance. A pool holds scores of a model that was fitted on earlier rows; for a new fraud pattern it
is a model that never saw one mode of fraud, and the reference has no fraud of that mode either.

Nature never stands still: behind every second scenario of another cause the features move as well,
so that an attack has to be distinguished while they do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from fraud_core.drift.attribution.attributor import CAUSES, Attributor, fit_attributor
from fraud_core.drift.attribution.discrepancy import (
    DiscrepancyStatistics,
    LabelledWindow,
    measure_discrepancy,
)
from fraud_core.drift.two_sample.multivariate import discriminant_terms

FALSE_ATTACK_RATE = 0.01
MINIMUM_CONFIDENCE = 0.4
BACKGROUND_SHARE = 0.5
BACKGROUND_SEVERITY = (0.1, 0.5)
STRONG_BACKGROUND = (0.5, 1.0)  # never learnt from: how far the attribution carries
SEVERITIES: dict[str, tuple[float, ...]] = {
    "none": (0.0,),
    "covariate": (0.3, 0.6, 1.0),
    "label_shift": (0.4, 0.55, 1.8, 2.5),
    "new_pattern": (0.3, 0.6, 1.0, 2.0),
    "suppressed_labels": (0.2, 0.35, 0.5, 0.8),
    "spurious_labels": (0.3, 0.5, 1.0, 2.0),
}
HELD_OUT_SEVERITIES: dict[str, tuple[float, ...]] = {
    "none": (0.0,),
    "covariate": (0.38, 0.7, 0.9),
    "label_shift": (0.45, 2.0, 2.8),
    "new_pattern": (0.38, 0.7, 1.3),
    "suppressed_labels": (0.25, 0.4, 0.6),
    "spurious_labels": (0.35, 0.65, 1.7),
}


@dataclass(frozen=True)
class Pool:
    """Rows to draw windows from.

    Attributes
    ----------
    rows
        Features, clean labels and probabilities of a model that was fitted on none of the rows.
    unseen
        Shape (n,), True for the frauds of the mode that the model never saw; all False for the
        plain pool.
    scores
        Shape (n, n_features), normal scores of the rows.
    """

    rows: LabelledWindow
    unseen: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Scenario:
    """A simulated window with its true cause."""

    cause: str
    severity: float
    discrepancy: DiscrepancyStatistics


def make_pool(rows: LabelledWindow, unseen: np.ndarray) -> Pool:
    """A pool with the normal scores of its rows."""
    return Pool(rows, unseen, discriminant_terms(rows.X, rows.X)[:, : rows.X.shape[1]])


def simulate(
    pools: Sequence[Pool],
    cause: str,
    severity: float,
    *,
    rng: np.random.Generator,
    background: tuple[float, float] = BACKGROUND_SEVERITY,
) -> tuple[LabelledWindow, LabelledWindow]:
    """A reference and a current window that differ by one cause.

    Parameters
    ----------
    pools
        The plain pool first, then one for each mode of fraud that a model never saw.
    cause
        One of `CAUSES`.
    severity
        ``covariate``: standard deviations by which rows are selected along a random direction.
        ``label_shift``: factor of the number of frauds. ``new_pattern`` and ``spurious_labels``:
        added fraud labels as a share of the frauds there. ``suppressed_labels``: share of the
        frauds labelled legitimate.
    background
        Range, in standard deviations, of the move of the features behind every second scenario of
        another cause.

    Returns
    -------
    reference, current
    """
    if cause not in CAUSES:
        raise ValueError(f"cause: expected one of {', '.join(CAUSES)}, got {cause!r}")
    # a new pattern is, by turns, a mode of real fraud that the model never saw, and a corner that
    # was legitimate
    is_mode = cause == "new_pattern" and len(pools) > 1 and rng.random() < 0.5
    pool = pools[int(rng.integers(1, len(pools)))] if is_mode else pools[0]
    order = rng.permutation(np.flatnonzero(~pool.unseen))
    before, after = order[: len(order) // 2], order[len(order) // 2 :]
    y = pool.rows.y_observed
    if cause == "covariate":
        after = _selected(pool, after, severity, rng)
    elif cause != "none" and rng.random() < BACKGROUND_SHARE:
        after = _selected(pool, after, rng.uniform(*background), rng)
    if cause == "label_shift":
        frauds = after[y[after] == 1]
        drawn = rng.choice(frauds, round(severity * len(frauds)), replace=severity > 1)
        after = np.concatenate([after[y[after] == 0], drawn])
    added = max(1, round(severity * int(y[after].sum())))
    if is_mode:
        after = np.concatenate(
            [after, rng.choice(np.flatnonzero(pool.unseen), added, replace=True)]
        )
    current = _window(pool, after)
    if cause == "suppressed_labels":
        frauds = np.flatnonzero(current.y_observed == 1)
        current = _relabelled(
            current, rng.choice(frauds, round(severity * len(frauds)), replace=False), 0
        )
    elif cause == "spurious_labels":
        current = _relabelled(
            current, rng.choice(np.flatnonzero(current.y_observed == 0), added, replace=False), 1
        )
    elif cause == "new_pattern" and not is_mode:
        current = _relabelled(
            current,
            nearest_legitimate(pool.scores[after], current.y_observed, n_rows=added, rng=rng),
            1,
        )
    return _window(pool, before), current


def run_scenarios(
    pools: Sequence[Pool],
    severities: Mapping[str, Sequence[float]],
    *,
    n_each: int,
    rng: np.random.Generator,
    background: tuple[float, float] = BACKGROUND_SEVERITY,
) -> list[Scenario]:
    """Simulate each cause `n_each` times, "none" three times
    as often, its severities by turns; measure the discrepancy.
    """
    out = []
    for cause, levels in severities.items():
        for k in range(3 * n_each if cause == "none" else n_each):
            severity = levels[k % len(levels)]
            reference, current = simulate(pools, cause, severity, rng=rng, background=background)
            out.append(Scenario(cause, severity, measure_discrepancy(reference, current, rng=rng)))
    return out


def learn_causes(built: Sequence[Scenario], *, seed: int) -> Attributor:
    """The attribution of scenarios; at most one in a hundred
    without a cause may be called an attack, out of fold.
    """
    return fit_attributor(
        [one.discrepancy for one in built],
        [one.cause for one in built],
        false_attack_rate=FALSE_ATTACK_RATE,
        minimum_confidence=MINIMUM_CONFIDENCE,
        seed=seed,
    )


def fraud_modes(scores: np.ndarray, n_modes: int, *, seed: int) -> np.ndarray:
    """The mode of each fraud, shape (n_frauds,), by k-means on the normal scores of frauds."""
    from sklearn.cluster import KMeans

    # scikit-learn has no stubs, and its default "auto" is no reason to take a text alone
    n_init = cast(Any, 10)
    return KMeans(n_modes, n_init=n_init, random_state=seed).fit_predict(scores)


def _selected(
    pool: Pool, rows: np.ndarray, severity: float, rng: np.random.Generator
) -> np.ndarray:
    """Rows drawn again with weights that grow along a random direction of one to five features."""
    touched = rng.choice(pool.scores.shape[1], rng.integers(1, 6), replace=False)
    direction = rng.normal(size=len(touched))
    along = pool.scores[np.ix_(rows, touched)] @ (direction / np.linalg.norm(direction))
    weight = np.exp(severity * along)
    return rng.choice(rows, len(rows), p=weight / weight.sum())


def nearest_legitimate(
    scores: np.ndarray, y_true: np.ndarray, *, n_rows: int, rng: np.random.Generator
) -> np.ndarray:
    """Places of legitimate rows around a random one: half of
    a corner, so that fraud and honest customers share it.

    Parameters
    ----------
    scores
        Shape (n, n_features), normal scores.
    """
    legitimate = np.flatnonzero(y_true == 0)
    distance = np.sum((scores[legitimate] - scores[rng.choice(legitimate)]) ** 2, axis=1)
    return rng.choice(legitimate[np.argsort(distance)[: 2 * n_rows]], n_rows, replace=False)


def _window(pool: Pool, rows: np.ndarray) -> LabelledWindow:
    return LabelledWindow(
        pool.rows.X[rows], pool.rows.y_observed[rows], pool.rows.probability[rows]
    )


def _relabelled(window: LabelledWindow, rows: np.ndarray, label: int) -> LabelledWindow:
    labels = window.y_observed.copy()
    labels[rows] = label
    return replace(window, y_observed=labels)
