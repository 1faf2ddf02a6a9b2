"""Suppressed positives of one group in training, and whether
the group suffers before the overall metric shows anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.model.estimators import EstimatorConfig

CHANGES = ("group recall", "overall recall", "group false-positive rate")


@dataclass(frozen=True)
class SuppressionEffect:
    """Change against the clean fit on clean clients when a share of them is selected.

    Attributes
    ----------
    suppressed_share
        Of the group's positives; 0 is the null run, another seed of the fit.
    """

    suppressed_share: float
    selection_rate: float
    labels_changed: int
    changes: dict[str, Estimate]


def suppression_effects(
    features: np.ndarray,
    y_true: np.ndarray,
    member: np.ndarray,
    *,
    shares: Sequence[float],
    n_seeds: int,
    estimator: EstimatorConfig,
    selection_rates: Sequence[float],
    n_replicates: int,
    seed: int,
) -> list[SuppressionEffect]:
    """Fit with suppressed positives on one half, audit the other half with its clean labels.

    Parameters
    ----------
    member
        Whether each row is of the attacked group, shape (n_samples,).
    shares
        Shares of the group's positives that are suppressed.
    n_seeds
        Fits and draws at each share; their alerts are averaged.
    selection_rates
        Shares of the clients that are selected, each answered from the same fits.

    Returns
    -------
    list of SuppressionEffect
        For each selection rate the null run first.
    """
    rng = np.random.default_rng([seed, 2])
    train = rng.random(len(y_true)) < 0.5
    x_train, y_train, x_test = features[train], y_true[train], features[~train]
    targets = np.flatnonzero(member[train] & (y_train == 1))

    def alerts(suppressed_share: float, first_seed: int) -> tuple[np.ndarray, int]:
        alerted, size = (
            np.zeros((len(selection_rates), len(x_test))),
            round(suppressed_share * len(targets)),
        )
        for number in range(n_seeds):
            y_observed = y_train.copy()
            y_observed[rng.choice(targets, size, replace=False)] = 0
            fitted = estimator.with_seed(first_seed + number).fit(x_train, y_observed)
            log_odds = fitted.decision_function(x_test)
            alerted += log_odds >= np.quantile(log_odds, 1 - np.array(selection_rates))[:, None]
        return alerted / n_seeds, size

    clean, _ = alerts(0.0, estimator.seed)
    weight = _weights(len(x_test), n_replicates, rng)
    cells = _cells(y_true[~train], member[~train])
    # the null run differs from the clean fit by its seeds alone, and so does everything else
    fits = [
        (suppressed_share, *alerts(suppressed_share, estimator.seed + n_seeds))
        for suppressed_share in (0.0, *shares)
    ]
    return [
        SuppressionEffect(
            suppressed_share, rate, size, _changes(weight, cells, alerted[k] - clean[k])
        )
        for k, rate in enumerate(selection_rates)
        for suppressed_share, alerted, size in fits
    ]


def at_rate(effects: Sequence[SuppressionEffect], selection_rate: float) -> list[SuppressionEffect]:
    """The effects at one selection rate, the null run first."""
    return [effect for effect in effects if effect.selection_rate == selection_rate]


def beyond_null_run(effect: SuppressionEffect, null_run: SuppressionEffect, name: str) -> bool:
    """Whether the interval of a change lies wholly beyond the null run's.

    Examples
    --------
    >>> even, changed = Estimate(0.0, -0.01, 0.01), Estimate(-0.2, -0.25, -0.15)
    >>> beyond_null_run(
    ...     SuppressionEffect(0.1, 0.2, 9, {"x": changed}),
    ...     SuppressionEffect(0.0, 0.2, 0, {"x": even}),
    ...     "x",
    ... )
    True
    """
    change, still = effect.changes[name], null_run.changes[name]
    return change.ci_high < still.ci_low or change.ci_low > still.ci_high


def _weights(n_rows: int, n_replicates: int, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=n_replicates)
    return np.vstack([np.ones(n_rows), drawn])


def _cells(y_true: np.ndarray, member: np.ndarray) -> dict[str, np.ndarray]:
    return dict(
        zip(CHANGES, (member & (y_true == 1), y_true == 1, member & (y_true == 0)), strict=True)
    )


def _changes(
    weight: np.ndarray, cells: Mapping[str, np.ndarray], change: np.ndarray
) -> dict[str, Estimate]:
    return {
        name: interval(
            (weight[:, rows] @ change[rows]) / np.maximum(weight[:, rows].sum(axis=1), 1)
        )
        for name, rows in cells.items()
    }


def first_visible(effects: Sequence[SuppressionEffect], name: str) -> str:
    """The smallest suppressed share whose change lies wholly beyond the
    null run's interval, in words.

    Parameters
    ----------
    effects
        At one selection rate, the null run first.

    Examples
    --------
    >>> even, changed = Estimate(0.0, -0.01, 0.01), Estimate(-0.2, -0.25, -0.15)
    >>> first_visible(
    ...     [
    ...         SuppressionEffect(0.0, 0.2, 0, {"x": even}),
    ...         SuppressionEffect(0.1, 0.2, 9, {"x": changed}),
    ...     ],
    ...     "x",
    ... )
    '10%'
    """
    for effect in effects[1:]:
        if beyond_null_run(effect, effects[0], name):
            return f"{effect.suppressed_share:.0%}"
    return "none tried"
