"""Exact Shapley contributions of a sum of oblivious
trees, and intervals of a ranking of features.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate


@dataclass(frozen=True)
class Importance:
    """Mean absolute contribution of a feature, in log-odds,
    with its 95% interval over the rows explained.
    """

    feature: str
    interval: Estimate


def shap_values(model: object, features: np.ndarray) -> tuple[np.ndarray, float]:
    """Exact contributions of each feature to the log-odds of each row.

    Parameters
    ----------
    model
        A fitted ``catboost.CatBoostClassifier``.
    features
        Shape (n_samples, n_features).

    Returns
    -------
    values, base
        Values of shape (n_samples, n_features), in log-odds; ``values.sum(axis=1) + base`` are
        the log-odds.

    References
    ----------
    S. Lundberg et al. (2020), From local explanations to global understanding with explainable AI
    for trees.
    """
    with warnings.catch_warnings():
        # shap counts with tqdm, which warns in a notebook without widgets
        warnings.filterwarnings("ignore", message="IProgress not found")
        import shap

    explained = shap.TreeExplainer(model)(np.ascontiguousarray(features, dtype=np.float32))
    return np.asarray(explained.values), float(np.ravel(explained.base_values)[0])


def additivity_error(values: np.ndarray, base: float, log_odds: np.ndarray) -> float:
    """Largest absolute difference between the sum of the contributions and the log-odds.

    Examples
    --------
    >>> additivity_error(np.array([[1.0, -0.5]]), 0.25, np.array([0.75]))
    0.0
    """
    return float(np.abs(values.sum(axis=1) + base - log_odds).max())


def rank_features(
    values: np.ndarray, names: list[str], *, rng: np.random.Generator, n_replicates: int = 500
) -> list[Importance]:
    """Features by mean absolute contribution, the
    largest first, with bootstrap intervals over rows.

    Examples
    --------
    >>> values = np.array([[0.1, -2.0], [-0.1, 2.0]])
    >>> rank_features(values, ["a", "b"], rng=np.random.default_rng(0))[0].feature
    'b'
    """
    size = np.abs(values)
    n_rows = len(size)
    weights = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=n_replicates) / n_rows
    low, high = np.quantile(weights @ size, [0.025, 0.975], axis=0)
    order = np.argsort(-size.mean(axis=0), kind="stable")
    return [
        Importance(names[k], Estimate(float(size[:, k].mean()), float(low[k]), float(high[k])))
        for k in order
    ]
