"""The estimators that are compared, behind one call: fit on rows, answer with log-odds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

NAMES = ("logistic_regression", "hist_gradient_boosting", "catboost")
# Estimators whose fitted form can be written as plain arrays and served without loading code.
SERVABLE = ("catboost",)


@dataclass(frozen=True)
class FittedEstimator:
    """A fitted estimator that answers with log-odds."""

    name: str
    model: Any

    def margin(self, features: np.ndarray) -> np.ndarray:
        """Log-odds of fraud, shape (n_samples,), from features of shape (n_samples, n_features)."""
        values = np.ascontiguousarray(features, dtype=np.float32)
        if self.name == "catboost":
            return np.asarray(self.model.predict(values, prediction_type="RawFormulaVal", thread_count=1))
        return np.asarray(self.model.decision_function(values))


def fit_estimator(
    name: str,
    features: np.ndarray,
    y_true: np.ndarray,
    *,
    settings: Mapping[str, Any],
    seed: int,
    n_threads: int,
    sample_weight: np.ndarray | None = None,
) -> FittedEstimator:
    """Fit one estimator.

    Parameters
    ----------
    name
        One of `NAMES`.
    features
        Shape (n_samples, n_features).
    y_true
        Shape (n_samples,), 0 or 1, both present.
    settings
        The estimator's own settings, under the names its library gives them.
    seed
        Seed of the fit.
    n_threads
        Threads of the fit.
    sample_weight
        Shape (n_samples,), non-negative, or None for equal weights.

    Raises
    ------
    ValueError
        When the name is unknown.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(400, seed=0)
    >>> X, y = toy.select("V1", "V2").to_numpy(), toy["Class"].to_numpy()
    >>> fit_estimator("logistic_regression", X, y, settings={"C": 1.0}, seed=0, n_threads=1).margin(X).shape
    (400,)
    """
    fit = {"logistic_regression": _fit_logistic, "hist_gradient_boosting": _fit_histogram, "catboost": _fit_catboost}
    if name not in fit:
        raise ValueError(f"expected an estimator among {', '.join(NAMES)}, got {name!r}")
    values = np.ascontiguousarray(features, dtype=np.float32)
    return FittedEstimator(name, fit[name](values, y_true, dict(settings), seed, n_threads, sample_weight))


def _fit_logistic(features, y_true, settings, seed, n_threads, sample_weight) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed, **settings))
    return model.fit(features, y_true, logisticregression__sample_weight=sample_weight)


def _fit_histogram(features, y_true, settings, seed, n_threads, sample_weight) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Early stopping would hold out a random share of the rows; validation here is by time alone.
    model = HistGradientBoostingClassifier(random_state=seed, early_stopping=False, **settings)
    return model.fit(features, y_true, sample_weight=sample_weight)


def _fit_catboost(features, y_true, settings, seed, n_threads, sample_weight) -> Any:
    from catboost import CatBoostClassifier, Pool

    model = CatBoostClassifier(
        random_seed=seed, thread_count=n_threads, allow_writing_files=False, verbose=False, **settings
    )
    return model.fit(Pool(features, y_true, weight=sample_weight))
