"""Point metrics of a fraud score; `fraud_core.evaluation.bootstrap` puts an interval around each.

Conventions, the same everywhere: `y_true` is 0 or 1 with 1 for fraud, `y_score` is a probability in
[0, 1] or any score that grows with suspicion, `y_alert` is a boolean decision. A metric that needs
a class which is absent raises, it never returns a number.
"""

import numpy as np

# Edges of the calibration bins. Fraud is rare, so equal-width bins would put nearly every row into
# the first one.
CALIBRATION_EDGES = np.array([0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.0])


def _require_classes(y_true: np.ndarray, *classes: int) -> None:
    for label in classes:
        if not np.any(y_true == label):
            name = "fraud" if label == 1 else "legitimate"
            raise ValueError(
                f"expected at least one {name} row (label {label}), found none in {len(y_true)} "
                "rows"
            )


def average_precision(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """Area under the precision-recall curve as a step sum;
    in (0, 1], larger is better, the base rate is chance.

    Parameters
    ----------
    y_true, y_score
        Shape (n_samples,). Rows of equal score enter together.

    Raises
    ------
    ValueError
        When there is no fraud.

    References
    ----------
    scikit-learn, `average_precision_score`: AP = Σ (R_n − R_{n−1}) P_n.

    Examples
    --------
    >>> average_precision(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    _require_classes(y_true, 1)
    recall, precision, _ = precision_recall_steps(y_true, y_score)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_recall_steps(
    y_true: np.ndarray, y_score: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recall, precision and threshold at each distinct score, from the highest score down.

    Examples
    --------
    >>> precision_recall_steps(np.array([0, 1, 1]), np.array([0.5, 0.9, 0.5]))[0]
    array([0.5, 1. ])
    """
    order = np.argsort(-y_score, kind="stable")
    score, positive = y_score[order], y_true[order] == 1
    last_of_tie = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    true_positives = np.cumsum(positive)[last_of_tie]
    return true_positives / positive.sum(), true_positives / (last_of_tie + 1), score[last_of_tie]


def recall_at_precision(y_true: np.ndarray, y_score: np.ndarray, precision: float = 0.9) -> float:
    """Largest recall reached by a threshold whose precision
    is at least `precision`; 0 when none reaches it.

    Examples
    --------
    >>> recall_at_precision(np.array([1, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.6]), 1.0)
    0.6666666666666666
    """
    _require_classes(y_true, 1)
    recall, reached, _ = precision_recall_steps(y_true, y_score)
    return float(np.max(recall[reached >= precision], initial=0.0))


def alerts_at_budget(y_true: np.ndarray, y_score: np.ndarray, n_alerts: int) -> np.ndarray:
    """Mark the `n_alerts` rows of highest score; among equal scores the legitimate rows come first.

    The convention is pessimistic: a model cannot gain by giving many rows the same score.

    Examples
    --------
    >>> alerts_at_budget(np.array([1, 0, 0]), np.array([0.5, 0.5, 0.1]), 1)
    array([False,  True, False])
    """
    alerts = np.zeros(len(y_true), dtype=bool)
    alerts[np.lexsort((y_true, -y_score))[:n_alerts]] = True
    return alerts


def precision_recall(y_true: np.ndarray, y_alert: np.ndarray) -> tuple[float, float]:
    """Precision and recall of a decision; precision is 0 when nothing is alerted.

    Examples
    --------
    >>> precision_recall(np.array([1, 1, 0, 0]), np.array([True, False, True, False]))
    (0.5, 0.5)
    """
    _require_classes(y_true, 1)
    caught = int(np.sum(y_true[y_alert]))
    return caught / max(1, int(np.sum(y_alert))), caught / int(np.sum(y_true))


def expected_cost_eur(
    y_true: np.ndarray, y_alert: np.ndarray, amount_eur: np.ndarray, review_cost_eur: float
) -> float:
    """Cost of a decision in euros: amounts of the frauds let
    through, plus a review for each alert; smaller is better.

    Examples
    --------
    >>> expected_cost_eur(
    ...     np.array([1, 1, 0]), np.array([True, False, True]), np.array([80.0, 50.0, 9.0]), 5.0
    ... )
    60.0
    """
    missed = (y_true == 1) & ~y_alert
    return float(np.sum(amount_eur[missed]) + review_cost_eur * np.sum(y_alert))


def brier_score(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """Mean squared difference between probability and outcome; in [0, 1], 0 is perfect.

    Examples
    --------
    >>> brier_score(np.array([0, 1]), np.array([0.0, 0.5]))
    0.125
    """
    return float(np.mean((y_score - y_true) ** 2))


def calibration_error(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """Share of rows times |mean probability − share of
    frauds|, summed over fixed bins; in [0, 1], 0 is perfect.

    Notes
    -----
    The bins are those of `CALIBRATION_EDGES`, closed on the left; the last one holds 1.0 too.
    Because fraud is rare the figure is small by nature: read it against the base rate, never alone.

    Examples
    --------
    >>> round(calibration_error(np.array([0, 1]), np.array([0.2, 0.2])), 6)
    0.3
    """
    bins = np.digitize(y_score, CALIBRATION_EDGES[1:-1])
    difference = np.bincount(bins, weights=y_score - y_true, minlength=len(CALIBRATION_EDGES) - 1)
    return float(np.abs(difference).sum() / len(y_true))
