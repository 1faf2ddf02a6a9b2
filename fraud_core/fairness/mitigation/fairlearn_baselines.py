"""Fairlearn's two methods for equalised odds, to stand beside thresholds by group."""

import warnings
from typing import Self

import numpy as np

from fraud_core.fairness.mitigation.group_thresholds import ScoredRows


def fairlearn_thresholds(chosen: ScoredRows, held_out: ScoredRows, *, seed: int) -> np.ndarray:
    """Decisions of Fairlearn's ThresholdOptimizer for
    equalised odds, chosen on one half, on the other half.
    """
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Champion(ClassifierMixin, BaseEstimator):
        """Hands on the log-odds that it is given."""

        classes_ = np.array([0, 1])

        def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
            """Nothing is learnt here."""
            return self

        def predict(self, X: np.ndarray) -> np.ndarray:
            """The log-odds."""
            return np.asarray(X)[:, 0]

    optimizer = ThresholdOptimizer(
        estimator=Champion(),
        constraints="equalized_odds",
        objective="balanced_accuracy_score",
        predict_method="predict",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn and pandas discuss their own types
        optimizer.fit(chosen.log_odds[:, None], chosen.y_true, sensitive_features=chosen.group)
        answer = optimizer.predict(
            held_out.log_odds[:, None], sensitive_features=held_out.group, random_state=seed
        )
    return np.asarray(answer, dtype=float)


def fairlearn_reductions(
    chosen: ScoredRows,
    held_out: ScoredRows,
    *,
    miss_cost: float,
    tolerance: float,
    n_iterations: int,
    seed: int,
) -> np.ndarray:
    """Decisions of Fairlearn's ExponentiatedGradient for
    equalised odds, fitted on one half, on the other half.
    """
    from fairlearn.reductions import EqualizedOdds, ErrorRate, ExponentiatedGradient
    from sklearn.ensemble import HistGradientBoostingClassifier

    learner = ExponentiatedGradient(
        HistGradientBoostingClassifier(max_iter=60, random_state=seed),
        constraints=EqualizedOdds(difference_bound=max(tolerance, 0.01)),
        objective=ErrorRate(costs={"fp": 1.0, "fn": miss_cost - 1.0}),
        max_iter=n_iterations,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn and pandas discuss their own types
        learner.fit(chosen.features, chosen.y_true, sensitive_features=chosen.group)
        return np.asarray(learner.predict(held_out.features, random_state=seed), dtype=float)
