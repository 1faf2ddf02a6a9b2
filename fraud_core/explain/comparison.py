"""Comparison of two models that explain the same rows: their
rankings of features, and their reasons for alerts.
"""

from dataclasses import dataclass

import numpy as np

from fraud_core.bundle.decider import N_REASONS
from fraud_core.explain.tree_shap import Explained, Explainer

N_REPLICATES = 400


@dataclass(frozen=True)
class Compared:
    """Replicates of both metrics for one other model; entry 0 is the point value."""

    rank_correlation: np.ndarray
    top3_overlap: np.ndarray


def rank_correlation(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row of two tables of
    importances, shape (n_rows,); ties share their mean rank.

    Examples
    --------
    >>> rank_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[30.0, 20.0, 10.0]])).tolist()
    [-1.0]
    """
    from scipy.stats import rankdata

    a, b = (rankdata(importances, axis=1) for importances in (own, other))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def top_overlap(own: np.ndarray, other: np.ndarray, n_top: int = N_REASONS) -> np.ndarray:
    """Share of a row's strongest raising features that
    another model has among its own, shape (n_samples,).

    A row that no feature raises has no reasons to keep and counts as kept.

    Examples
    --------
    >>> top_overlap(np.array([[3.0, 2.0, -1.0]]), np.array([[1.0, -1.0, 2.0]]), n_top=2).tolist()
    [0.5]
    """
    mine, theirs = _top(own, n_top), _top(other, n_top)
    count = mine.sum(axis=1)
    return np.where(count > 0, (mine & theirs).sum(axis=1) / np.maximum(count, 1), 1.0)


def _top(values: np.ndarray, n_top: int) -> np.ndarray:
    top = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(top, np.argsort(-values, axis=1, kind="stable")[:, :n_top], True, axis=1)
    return top & (values > 0)


class Comparison:
    """One model, on fixed rows and fixed resamples of them, against others."""

    def __init__(
        self,
        explainer: Explainer,
        features: np.ndarray,
        alerts: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self._features, self._alerts = features, alerts
        self._weights = [_weights(len(rows), rng) for rows in (features, alerts)]
        self._importance = self._weights[0] @ np.abs(explainer.explain(features).values)
        self._of_alerts = explainer.explain(alerts).values

    def against(self, other: Explainer) -> Compared:
        """Both metrics on every resample."""
        importance = self._weights[0] @ np.abs(added_up(other, self._features).values)
        kept = top_overlap(self._of_alerts, added_up(other, self._alerts).values)
        return Compared(rank_correlation(self._importance, importance), self._weights[1] @ kept)


def _weights(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Share of each row in the sample itself and in
    its resamples, shape (1 + N_REPLICATES, n_rows).
    """
    drawn = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=N_REPLICATES)
    return np.vstack([np.ones((1, n_rows)), drawn]) / n_rows


def added_up(explainer: Explainer, features: np.ndarray) -> Explained:
    """Explained rows whose contributions add up.

    Raises
    ------
    ArithmeticError
        When they do not.
    """
    explained = explainer.explain(features)
    worst = float(explained.additivity_errors.max())
    if worst > 1e-6:
        raise ArithmeticError(
            f"contributions: expected to add up to the log-odds to 1e-6, got up to {worst:.2g}"
        )
    return explained
