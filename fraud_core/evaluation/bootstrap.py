"""Stratified bootstrap of every metric at once, without touching a row twice.

A metric that depends on the ranking needs to know, of the legitimate rows, only how many lie
between two neighbouring frauds. So the legitimate rows are counted into cells, cut at the frauds'
scores, the threshold and the calibration edges, and a resample of 140,000 rows is one multinomial
draw over the cells that are occupied. For several models on the same rows the cells are the
occupied combinations, so that all models see the same resample: comparisons are paired.

The draws have exactly the distribution of the row-by-row bootstrap for every ranking and threshold
metric. The Brier score and the calibration error use the mean within a cell, whose width is at most
a tenth of a unit of log-odds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from fraud_core.evaluation.score_cells import METRICS, cells_of, measure, sum_columns

REPLICATES_AT_ONCE = 200
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ModelScores:
    """One model's answer on a set of rows.

    Attributes
    ----------
    y_score
        Shape (n_samples,), probabilities.
    threshold
        A row is alerted when its score is at least this.
    """

    y_score: np.ndarray
    threshold: float


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    ci_low: float
    ci_high: float

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside the interval."""
        return not self.ci_low <= value <= self.ci_high


def bootstrap(
    y_true: np.ndarray,
    models: Mapping[str, ModelScores],
    amount_eur: np.ndarray,
    *,
    n_alerts: int,
    review_cost_eur: float,
    n_replicates: int,
    rng: np.random.Generator,
) -> dict[str, dict[str, np.ndarray]]:
    """Every metric of every model: the point value first,
    then its bootstrap replicates, paired over models.

    Parameters
    ----------
    y_true
        Shape (n_samples,), clean labels, both classes present.
    models
        Scores on these rows, by name.
    amount_eur
        Shape (n_samples,), in euros.
    n_alerts
        Alert budget: how many rows are reviewed.
    review_cost_eur
        Cost of one review, in euros.
    n_replicates
        Number of resamples; frauds and legitimate rows are resampled apart (stratified).
    rng
        Source of the resamples.

    Returns
    -------
    dict
        ``result[model][metric]`` has shape (1 + n_replicates,); entry 0 is the value on the rows
        themselves.

    References
    ----------
    B. Efron and R. Tibshirani (1993), An Introduction to the Bootstrap, chapters 6 and 13.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.5, 0.9])
    >>> found = bootstrap(
    ...     y,
    ...     {"m": ModelScores(score, 0.5)},
    ...     np.ones(4),
    ...     n_alerts=2,
    ...     review_cost_eur=1.0,
    ...     n_replicates=10,
    ...     rng=rng,
    ... )
    >>> float(found["m"]["average_precision"][0].round(4))
    0.8333
    """
    if not np.any(y_true == 1) or not np.any(y_true == 0):
        raise ValueError(f"expected both classes, found one in {len(y_true)} rows")
    cells = {
        name: cells_of(model.y_score, model.threshold, y_true) for name, model in models.items()
    }
    signature, inverse = np.unique(
        np.column_stack([cell.row_cell for cell in cells.values()]), axis=0, return_inverse=True
    )
    joint_count = np.bincount(inverse.ravel(), minlength=len(signature))
    n_frauds, n_legitimate = int(np.sum(y_true == 1)), int(np.sum(y_true == 0))
    parts: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in models}
    for size in _batches(n_replicates):
        if size == 0:
            fraud_weight, legit_weight = np.ones((1, n_frauds)), joint_count[None, :].astype(float)
        else:
            fraud_weight = rng.multinomial(
                n_frauds, np.full(n_frauds, 1 / n_frauds), size=size
            ).astype(float)
            legit_weight = rng.multinomial(
                n_legitimate, joint_count / n_legitimate, size=size
            ).astype(float)
        for column, (name, of_model) in enumerate(cells.items()):
            counts = sum_columns(legit_weight, signature[:, column], len(of_model.cell_group))
            parts[name].append(
                measure(
                    of_model,
                    fraud_weight,
                    counts,
                    fraud_eur=amount_eur[y_true == 1],
                    n_rows=len(y_true),
                    n_alerts=n_alerts,
                    review_cost_eur=review_cost_eur,
                )
            )
    return {
        name: {metric: np.concatenate([part[metric] for part in of_model]) for metric in METRICS}
        for name, of_model in parts.items()
    }


def _batches(n_replicates: int) -> list[int]:
    """Sizes of the batches of replicates; the leading 0 stands for the rows themselves."""
    full, rest = divmod(n_replicates, REPLICATES_AT_ONCE)
    return [0, *[REPLICATES_AT_ONCE] * full, *([rest] if rest else [])]


def interval(replicates: np.ndarray) -> Estimate:
    """The 95% percentile interval of an array whose entry 0 is the point value.

    Examples
    --------
    >>> interval(np.array([0.5, 0.4, 0.5, 0.6]))
    Estimate(value=0.5, ci_low=0.405, ci_high=0.595)
    """
    low, high = np.quantile(replicates[1:], [0.025, 0.975])
    return Estimate(float(replicates[0]), float(low), float(high))


def summarise(replicates: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Estimate]:
    """Every metric of every model under the name ``model.metric``.

    Examples
    --------
    >>> summarise({"m": {"recall": np.array([0.5, 0.5, 0.5])}})
    {'m.recall': Estimate(value=0.5, ci_low=0.5, ci_high=0.5)}
    """
    return {
        f"{model}.{metric}": interval(values)
        for model, found in replicates.items()
        for metric, values in found.items()
    }


def clopper_pearson(successes: float, trials: float) -> tuple[float, float]:
    """The exact 95% interval of a proportion; [0, 1] without trials.

    References
    ----------
    C. Clopper and E. Pearson (1934), The use of confidence or fiducial limits.

    Examples
    --------
    >>> low, high = clopper_pearson(11, 11)
    >>> round(low, 3), high
    (0.715, 1.0)
    """
    # SciPy has no stubs
    from scipy.stats import beta  # pyright: ignore[reportMissingTypeStubs]

    quantile = cast(Any, beta).ppf
    tail = (1 - CONFIDENCE) / 2
    low = float(quantile(tail, successes, trials - successes + 1)) if successes > 0 else 0.0
    high = (
        float(quantile(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    )
    return low, high


def proportion_ci(count: int, total: int) -> Estimate:
    """A share of at least one trial with its exact 95% interval.

    Examples
    --------
    >>> proportion_ci(0, 10).ci_high < 0.31
    True
    """
    return Estimate(count / total, *clopper_pearson(count, total))
