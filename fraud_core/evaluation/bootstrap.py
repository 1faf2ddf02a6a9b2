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

import numpy as np

from fraud_core.evaluation.metrics import CALIBRATION_EDGES

METRICS = (
    "average_precision",
    "recall_at_precision_90",
    "precision_at_budget",
    "recall_at_budget",
    "precision",
    "recall",
    "expected_cost_eur",
    "brier_score",
    "calibration_error",
)
REPLICATES_AT_ONCE = 200
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Scored:
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


@dataclass(frozen=True)
class _Cells:
    """How one model's scores fall into cells, ordered from the highest score down."""

    fraud_score: np.ndarray  # (n_groups,) distinct scores of the frauds, descending
    fraud_group: np.ndarray  # (n_frauds,) group of each fraud
    cell_group: np.ndarray  # (n_cells,) first group at or below the cell; n_groups when none is
    cell_alerted: np.ndarray  # (n_cells,) whether the rows of the cell are alerted
    cell_bin: np.ndarray  # (n_cells,) calibration bin
    cell_sum: np.ndarray  # (n_cells,) mean score of the rows in the cell
    cell_square: np.ndarray  # (n_cells,) mean squared score
    row_cell: np.ndarray  # (n_legitimate,) cell of each legitimate row


def _cells(model: Scored, y_true: np.ndarray) -> _Cells:
    frauds, legitimate = model.y_score[y_true == 1], model.y_score[y_true == 0]
    fraud_score, group = np.unique(-frauds, return_inverse=True)
    log_odds = np.arange(-14.0, 14.0, 0.1)
    cuts = np.concatenate(
        [frauds, [model.threshold], CALIBRATION_EDGES[1:-1], 1 / (1 + np.exp(-log_odds))]
    )
    cuts = np.unique(cuts)
    raw_cell = len(cuts) - np.searchsorted(cuts, legitimate, side="right")
    used, row_cell = np.unique(raw_cell, return_inverse=True)
    count = np.bincount(row_cell, minlength=len(used))
    lowest = np.concatenate([cuts, [-np.inf]])[
        np.concatenate([np.arange(len(cuts))[::-1], [len(cuts)]])
    ][used]
    return _Cells(
        fraud_score=-fraud_score,
        fraud_group=group,
        cell_group=np.searchsorted(fraud_score, -lowest, side="left"),
        cell_alerted=lowest >= model.threshold,
        cell_bin=np.digitize(lowest, CALIBRATION_EDGES[1:-1]),
        cell_sum=np.bincount(row_cell, weights=legitimate) / count,
        cell_square=np.bincount(row_cell, weights=legitimate**2) / count,
        row_cell=row_cell,
    )


def bootstrap(
    y_true: np.ndarray,
    models: Mapping[str, Scored],
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
    ...     {"m": Scored(score, 0.5)},
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
    cells = {name: _cells(model, y_true) for name, model in models.items()}
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
        for column, (name, model) in enumerate(models.items()):
            counts = _sum_columns(legit_weight, signature[:, column], len(cells[name].cell_group))
            parts[name].append(
                _measure(
                    cells[name],
                    model,
                    y_true,
                    amount_eur,
                    fraud_weight,
                    counts,
                    n_alerts=n_alerts,
                    review_cost_eur=review_cost_eur,
                )
            )
    return {
        name: {metric: np.concatenate([part[metric] for part in found]) for metric in METRICS}
        for name, found in parts.items()
    }


def _batches(n_replicates: int) -> list[int]:
    """Sizes of the batches of replicates; the leading 0 stands for the rows themselves."""
    full, rest = divmod(n_replicates, REPLICATES_AT_ONCE)
    return [0, *[REPLICATES_AT_ONCE] * full, *([rest] if rest else [])]


def _sum_columns(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sum the columns of `values`, shape (n, m), that share a group; shape (n, n_groups)."""
    order = np.argsort(group, kind="stable")
    present, start = np.unique(group[order], return_index=True)
    out = np.zeros((len(values), n_groups))
    out[:, present] = np.add.reduceat(values[:, order], start, axis=1)
    return out


def _measure(
    cells: _Cells,
    model: Scored,
    y_true: np.ndarray,
    amount_eur: np.ndarray,
    fraud_weight: np.ndarray,
    legit_count: np.ndarray,
    *,
    n_alerts: int,
    review_cost_eur: float,
) -> dict[str, np.ndarray]:
    """All metrics for each row of weights: frauds (n,
    n_frauds) and legitimate rows by cell (n, n_cells).
    """
    n_groups = len(cells.fraud_score)
    frauds = _sum_columns(fraud_weight, cells.fraud_group, n_groups)
    above = _sum_columns(legit_count, cells.cell_group, n_groups + 1)[:, :n_groups]
    true_positives, false_positives = np.cumsum(frauds, axis=1), np.cumsum(above, axis=1)
    n_frauds = true_positives[:, -1]
    precision = true_positives / np.maximum(true_positives + false_positives, 1)
    reached = np.where(precision >= 0.9, true_positives, 0)
    slots = np.clip(n_alerts - false_positives - (true_positives - frauds), 0, frauds)
    caught_at_budget = np.sum(slots, axis=1)

    fraud_score = model.y_score[y_true == 1]
    alerted = fraud_score >= model.threshold
    caught = fraud_weight @ alerted
    n_alerted = caught + legit_count @ cells.cell_alerted
    missed_eur = fraud_weight @ np.where(alerted, 0.0, amount_eur[y_true == 1])
    return {
        "average_precision": np.sum(frauds * precision, axis=1) / n_frauds,
        "recall_at_precision_90": reached.max(axis=1) / n_frauds,
        "precision_at_budget": caught_at_budget / min(n_alerts, len(y_true)),
        "recall_at_budget": caught_at_budget / n_frauds,
        "precision": caught / np.maximum(n_alerted, 1),
        "recall": caught / n_frauds,
        "expected_cost_eur": missed_eur + review_cost_eur * n_alerted,
        "brier_score": (fraud_weight @ (1 - fraud_score) ** 2 + legit_count @ cells.cell_square)
        / len(y_true),
        "calibration_error": _calibration(cells, fraud_score, fraud_weight, legit_count)
        / len(y_true),
    }


def _calibration(
    cells: _Cells, fraud_score: np.ndarray, fraud_weight: np.ndarray, legit_count: np.ndarray
) -> np.ndarray:
    n_bins = len(CALIBRATION_EDGES) - 1
    fraud_bin = np.digitize(fraud_score, CALIBRATION_EDGES[1:-1])
    surplus = _sum_columns(legit_count * cells.cell_sum, cells.cell_bin, n_bins)
    surplus += _sum_columns(fraud_weight * (fraud_score - 1), fraud_bin, n_bins)
    return np.abs(surplus).sum(axis=1)


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


def clopper_pearson(successes: int, trials: int) -> tuple[float, float]:
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
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes > 0 else 0.0
    high = (
        float(beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    )
    return low, high


def share(count: int, total: int) -> Estimate:
    """A share of at least one trial with its exact 95% interval.

    Examples
    --------
    >>> share(0, 10).ci_high < 0.31
    True
    """
    return Estimate(count / total, *clopper_pearson(count, total))
