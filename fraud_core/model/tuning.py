"""Tuning by time-ordered folds: every estimator by one protocol and one number of settings.

A fold fits on everything before an instant and scores the hours after it. The figure of a setting
is the mean average precision over folds and seeds. Settings within a stated tolerance of the best
one are equals, and of equals the one that is fastest to fit is taken. How far the folds can
distinguish settings is reported by a paired bootstrap over their rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate, ModelScores, bootstrap
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.estimators import EstimatorConfig


@dataclass(frozen=True)
class Fold:
    """Rows to fit on and later rows to score, masks of shape (n_samples,)."""

    fitted: np.ndarray
    scored: np.ndarray


@dataclass(frozen=True)
class Tried:
    """One setting of an estimator on the folds.

    Attributes
    ----------
    settings
        Under the names of the estimator's library.
    average_precision
        Shape (n_folds,), mean over the seeds.
    cpu_seconds
        Processor time of one fit, mean over folds and seeds.
    log_odds
        Log-odds of the first seed on the scored rows, one array for each fold.
    """

    settings: Mapping[str, Any]
    average_precision: np.ndarray
    cpu_seconds: float
    log_odds: tuple[np.ndarray, ...]

    @property
    def mean(self) -> float:
        """Mean average precision over the folds."""
        return float(self.average_precision.mean())


def time_folds(time_s: np.ndarray, edges_s: Sequence[float]) -> list[Fold]:
    """Folds that fit on everything before an edge and score up to the next one.

    Parameters
    ----------
    time_s
        Shape (n_samples,), seconds.
    edges_s
        Ascending instants in seconds; n + 1 edges make n folds.

    Examples
    --------
    >>> [int(fold.scored.sum()) for fold in time_folds(np.arange(10.0), [4.0, 6.0, 10.0])]
    [2, 4]
    """
    return [
        Fold(time_s < start, (time_s >= start) & (time_s < end)) for start, end in pairwise(edges_s)
    ]


def try_settings(
    name: str,
    settings: Mapping[str, Any],
    rows: Transactions,
    folds: Sequence[Fold],
    *,
    seeds: Sequence[int],
) -> Tried:
    """Fit one setting on every fold with every seed, with one thread.

    Parameters
    ----------
    name
        An estimator of `fraud_core.model.estimators.REGISTRY`.
    settings
        Its settings.
    rows
        In time order, clean labels; never rows of the test period.
    folds
        As from `time_folds`.
    seeds
        Seeds of the fits.
    """
    precision = np.empty((len(folds), len(seeds)))
    first_seed, spent = [], 0.0
    for i, fold in enumerate(folds):
        for j, seed in enumerate(seeds):
            started = process_time()
            estimator = EstimatorConfig(name, settings, seed)
            model = estimator.fit(rows.X[fold.fitted], rows.y_observed[fold.fitted])
            spent += process_time() - started
            log_odds = model.decision_function(rows.X[fold.scored])
            precision[i, j] = average_precision(rows.y_observed[fold.scored], log_odds)
            if j == 0:
                first_seed.append(log_odds)
    return Tried(dict(settings), precision.mean(axis=1), spent / precision.size, tuple(first_seed))


def choose(tried: Mapping[str, Tried], *, tolerance: float) -> str:
    """The setting that is taken: the fastest to fit
    among those within `tolerance` of the highest mean.

    Parameters
    ----------
    tried
        Settings on the same folds, by name.
    tolerance
        Difference of mean average precision up to which two settings count as equal; at least 0.

    Examples
    --------
    >>> slow = Tried({}, np.array([0.800]), 9.0, ())
    >>> fast = Tried({}, np.array([0.798]), 1.0, ())
    >>> (
    ...     choose({"slow": slow, "fast": fast}, tolerance=0.005),
    ...     choose({"slow": slow, "fast": fast}, tolerance=0.0),
    ... )
    ('fast', 'slow')
    """
    highest = max(setting.mean for setting in tried.values())
    equals = [name for name, setting in tried.items() if setting.mean >= highest - tolerance]
    return min(equals, key=lambda name: tried[name].cpu_seconds)


def difference_on_folds(
    one: Tried,
    other: Tried,
    rows: Transactions,
    folds: Sequence[Fold],
    *,
    n_replicates: int,
    rng: np.random.Generator,
) -> Estimate:
    """Mean average precision of one setting less that
    of another, paired over the rows of each fold.

    Parameters
    ----------
    one, other
        Of the same folds; the log-odds of their first seed are compared.
    n_replicates, rng
        Of the stratified bootstrap, drawn apart in each fold.

    Returns
    -------
    Estimate
        0 means that the folds cannot tell them apart; the interval leaves out the luck of the fits.
    """
    differences = []
    for k, fold in enumerate(folds):
        replicates = bootstrap(
            rows.y_observed[fold.scored],
            {
                "one": ModelScores(_squash(one.log_odds[k]), 0.5),
                "other": ModelScores(_squash(other.log_odds[k]), 0.5),
            },
            rows.amount_eur[fold.scored],
            n_alerts=1,
            review_cost_eur=0.0,
            n_replicates=n_replicates,
            rng=rng,
        )
        differences.append(
            replicates["one"]["average_precision"] - replicates["other"]["average_precision"]
        )
    mean = np.mean(differences, axis=0)
    low, high = np.quantile(mean[1:], [0.025, 0.975])
    return Estimate(float(mean[0]), float(low), float(high))


def tune(
    name: str,
    grid: Mapping[str, Mapping[str, Any]],
    rows: Transactions,
    folds: Sequence[Fold],
    *,
    seeds: Sequence[int],
    progress: Callable[[str, int, int], None] = lambda *step: None,
) -> dict[str, Tried]:
    """Every setting of a grid on the same folds, by name.

    Examples
    --------
    >>> rng, y = np.random.default_rng(0), np.arange(400) % 5 == 0
    >>> rows = Transactions(
    ...     rng.normal(size=(400, 2)) + y[:, None], y.astype(int), np.ones(400), np.arange(400.0)
    ... )
    >>> tried = tune(
    ...     "logistic_regression",
    ...     {"weak": {"C": 1.0}},
    ...     rows,
    ...     time_folds(rows.time_s, [200, 400]),
    ...     seeds=[1],
    ... )
    >>> tried["weak"].average_precision.shape
    (1,)
    """
    tried = {}
    for number, (label, settings) in enumerate(grid.items()):
        progress(f"settings of {name.replace('_', ' ')}", number, len(grid))
        tried[label] = try_settings(name, settings, rows, folds, seeds=seeds)
    progress(f"settings of {name.replace('_', ' ')}", len(grid), len(grid))
    return tried


def _squash(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds.astype(np.float64), -700, 700)))
