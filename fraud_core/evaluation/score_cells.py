"""Scores counted into cells, and every metric from the counts.

A metric that depends on the ranking needs to know, of the legitimate rows, only how many lie
between two neighbouring frauds. So the legitimate rows are counted into cells, cut at the frauds'
scores, the threshold and the calibration edges. `fraud_core.evaluation.bootstrap` draws the counts.
"""

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


@dataclass(frozen=True)
class Cells:
    """How one model's scores fall into cells, ordered from the highest score down.

    Attributes
    ----------
    fraud_score, fraud_alerted
        Shape (n_frauds,), probability of each fraud and whether it is alerted.
    group_score
        Shape (n_groups,), distinct scores of the frauds, descending.
    fraud_group
        Shape (n_frauds,), group of each fraud.
    cell_group
        Shape (n_cells,), first group at or below the cell; n_groups when none is.
    cell_alerted, cell_bin
        Shape (n_cells,), whether the rows of the cell are alerted, and their calibration bin.
    cell_sum, cell_square
        Shape (n_cells,), mean score and mean squared score of the rows in the cell.
    row_cell
        Shape (n_legitimate,), cell of each legitimate row.
    """

    fraud_score: np.ndarray
    fraud_alerted: np.ndarray
    group_score: np.ndarray
    fraud_group: np.ndarray
    cell_group: np.ndarray
    cell_alerted: np.ndarray
    cell_bin: np.ndarray
    cell_sum: np.ndarray
    cell_square: np.ndarray
    row_cell: np.ndarray


def cells_of(y_score: np.ndarray, threshold: float, y_true: np.ndarray) -> Cells:
    """Count the legitimate rows into cells.

    Parameters
    ----------
    y_score, y_true
        Shape (n_samples,), probabilities and labels, both classes present.
    threshold
        A row is alerted when its score is at least this.

    Examples
    --------
    >>> cells = cells_of(np.array([0.1, 0.6, 0.5, 0.9]), 0.5, np.array([0, 0, 1, 1]))
    >>> cells.row_cell.tolist(), cells.cell_alerted.tolist(), cells.cell_group.tolist()
    ([1, 0], [True, False], [1, 2])
    """
    frauds, legitimate = y_score[y_true == 1], y_score[y_true == 0]
    negative_score, group = np.unique(-frauds, return_inverse=True)
    log_odds = np.arange(-14.0, 14.0, 0.1)
    cuts = np.concatenate(
        [frauds, [threshold], CALIBRATION_EDGES[1:-1], 1 / (1 + np.exp(-log_odds))]
    )
    cuts = np.unique(cuts)
    raw_cell = len(cuts) - np.searchsorted(cuts, legitimate, side="right")
    used, row_cell = np.unique(raw_cell, return_inverse=True)
    count = np.bincount(row_cell, minlength=len(used))
    lowest = np.append(cuts[::-1], -np.inf)[used]
    return Cells(
        fraud_score=frauds,
        fraud_alerted=frauds >= threshold,
        group_score=-negative_score,
        fraud_group=group,
        cell_group=np.searchsorted(negative_score, -lowest, side="left"),
        cell_alerted=lowest >= threshold,
        cell_bin=np.digitize(lowest, CALIBRATION_EDGES[1:-1]),
        cell_sum=np.bincount(row_cell, weights=legitimate) / count,
        cell_square=np.bincount(row_cell, weights=legitimate**2) / count,
        row_cell=row_cell,
    )


def sum_columns(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sum the columns of `values`, shape (n, m), that share a group; shape (n, n_groups).

    Examples
    --------
    >>> sum_columns(np.array([[1.0, 2.0, 4.0]]), np.array([2, 0, 2]), 3).tolist()
    [[2.0, 0.0, 5.0]]
    """
    order = np.argsort(group, kind="stable")
    present, start = np.unique(group[order], return_index=True)
    out = np.zeros((len(values), n_groups))
    out[:, present] = np.add.reduceat(values[:, order], start, axis=1)
    return out


def measure(
    cells: Cells,
    fraud_weight: np.ndarray,
    legit_count: np.ndarray,
    *,
    fraud_eur: np.ndarray,
    n_rows: int,
    n_alerts: int,
    review_cost_eur: float,
) -> dict[str, np.ndarray]:
    """Every metric for each row of weights, shape (n,) by metric.

    Parameters
    ----------
    fraud_weight, legit_count
        How often each fraud is counted, shape (n, n_frauds), and how many legitimate rows lie in
        each cell, shape (n, n_cells).
    fraud_eur
        Shape (n_frauds,), amounts in euros.
    n_rows
        Rows in all.
    n_alerts, review_cost_eur
        As of `fraud_core.evaluation.bootstrap.bootstrap`.
    """
    n_groups = len(cells.group_score)
    frauds = sum_columns(fraud_weight, cells.fraud_group, n_groups)
    above = sum_columns(legit_count, cells.cell_group, n_groups + 1)[:, :n_groups]
    true_positives, false_positives = np.cumsum(frauds, axis=1), np.cumsum(above, axis=1)
    n_frauds = true_positives[:, -1]
    precision = true_positives / np.maximum(true_positives + false_positives, 1)
    reached = np.where(precision >= 0.9, true_positives, 0)
    slots = np.clip(n_alerts - false_positives - (true_positives - frauds), 0, frauds)
    caught_at_budget = np.sum(slots, axis=1)

    caught = fraud_weight @ cells.fraud_alerted
    n_alerted = caught + legit_count @ cells.cell_alerted
    missed_eur = fraud_weight @ np.where(cells.fraud_alerted, 0.0, fraud_eur)
    squares = fraud_weight @ (1 - cells.fraud_score) ** 2 + legit_count @ cells.cell_square
    return {
        "average_precision": np.sum(frauds * precision, axis=1) / n_frauds,
        "recall_at_precision_90": reached.max(axis=1) / n_frauds,
        "precision_at_budget": caught_at_budget / min(n_alerts, n_rows),
        "recall_at_budget": caught_at_budget / n_frauds,
        "precision": caught / np.maximum(n_alerted, 1),
        "recall": caught / n_frauds,
        "expected_cost_eur": missed_eur + review_cost_eur * n_alerted,
        "brier_score": squares / n_rows,
        "calibration_error": _calibration(cells, fraud_weight, legit_count) / n_rows,
    }


def _calibration(cells: Cells, fraud_weight: np.ndarray, legit_count: np.ndarray) -> np.ndarray:
    """The surplus of expected over observed frauds, summed over bins without its sign; (n,)."""
    n_bins = len(CALIBRATION_EDGES) - 1
    fraud_bin = np.digitize(cells.fraud_score, CALIBRATION_EDGES[1:-1])
    surplus = sum_columns(legit_count * cells.cell_sum, cells.cell_bin, n_bins)
    surplus += sum_columns(fraud_weight * (cells.fraud_score - 1), fraud_bin, n_bins)
    return np.abs(surplus).sum(axis=1)
