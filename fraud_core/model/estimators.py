"""Estimators: one registry, one configuration, one call to fit, log-odds as the answer.

`REGISTRY` lists the estimators that the project tunes and compares. An estimator of your own needs
no entry: its name is ``module:Class``, and the class follows scikit-learn: ``fit(X, y,
sample_weight=None)``, and ``decision_function`` or ``predict_proba``.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import numpy as np

from fraud_core.errors import ParameterError
from fraud_core.model.calibration import Method

# Smallest distance of a probability from 0 and 1 when log-odds are made of it: log-odds stay within
# 37.
PROBABILITY_MARGIN = 1e-16


class Estimator(Protocol):
    """An estimator of scikit-learn's kind, with `decision_function` or `predict_proba` besides."""

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Any: ...


Builder = Callable[[Mapping[str, Any], int, int], Any]


@dataclass(frozen=True)
class EstimatorConfig:
    """An estimator that is not built yet: its name,
    its settings, and how its scores are calibrated.

    Parameters
    ----------
    name
        A name of `REGISTRY`, or ``module:Class`` for a class of your own.
    settings
        Settings under the names that its library gives them.
    seed
        Seed of the fit; a class of your own receives it as ``random_state`` when it has such a
        parameter.
    n_threads
        Threads of the fit, at least 1; a class of your own receives it as ``n_jobs`` when it has
        such a parameter.
    calibration
        How log-odds become probabilities: ``none``, ``intercept`` or ``platt``.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> (
    ...     EstimatorConfig("logistic_regression", {"C": 1.0}).fit(X, y).decision_function(X) > 0
    ... ).tolist()
    [False, False, True, True]
    >>> own = EstimatorConfig("sklearn.naive_bayes:GaussianNB")
    >>> (own.fit(X, y).decision_function(X) > 0).tolist()
    [False, False, True, True]
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 1
    n_threads: int = 1
    calibration: Method = "platt"

    def with_seed(self, seed: int) -> "EstimatorConfig":
        """The same estimator with another seed."""
        return replace(self, seed=seed)

    def with_settings(self, settings: Mapping[str, Any]) -> "EstimatorConfig":
        """The same estimator with other settings."""
        return replace(self, settings=settings)

    def build(self) -> Any:
        """The estimator, not fitted.

        Raises
        ------
        ParameterError
            When the name is neither in the registry nor a class that can be imported.
        """
        if ":" in self.name:
            return _build_own(self.name, self.settings, self.seed, self.n_threads)
        if self.name not in REGISTRY:
            raise ParameterError(
                f"estimator: expected one of {', '.join(REGISTRY)} or module:Class, got "
                f"{self.name!r}"
            )
        return REGISTRY[self.name](self.settings, self.seed, self.n_threads)

    def fit(
        self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> "FittedEstimator":
        """Build and fit.

        Parameters
        ----------
        X
            Shape (n_samples, n_features); converted to float32.
        y
            Shape (n_samples,), 0 or 1, both present.
        sample_weight
            Shape (n_samples,), non-negative, or None for equal weights.
        """
        values = np.ascontiguousarray(X, dtype=np.float32)
        model = self.build()
        if sample_weight is None:
            model.fit(values, y)
        elif hasattr(model, "steps"):
            model.fit(values, y, **{f"{model.steps[-1][0]}__sample_weight": sample_weight})
        else:
            model.fit(values, y, sample_weight=sample_weight)
        return FittedEstimator(self.name, model)


@dataclass(frozen=True)
class FittedEstimator:
    """A fitted estimator that answers with log-odds."""

    name: str
    model: Any

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Log-odds of fraud, shape (n_samples,), of rows of shape (n_samples, n_features)."""
        values = np.ascontiguousarray(X, dtype=np.float32)
        if self.name == "catboost":
            return np.asarray(
                self.model.predict(values, prediction_type="RawFormulaVal", thread_count=1)
            )
        if hasattr(self.model, "decision_function"):
            return np.asarray(self.model.decision_function(values))
        probability = np.asarray(self.model.predict_proba(values))[:, 1].astype(np.float64)
        probability = np.clip(probability, PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN)
        return np.log(probability) - np.log1p(-probability)


def _logistic_regression(settings: Mapping[str, Any], seed: int, n_threads: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed, **settings)
    )


def _hist_gradient_boosting(settings: Mapping[str, Any], seed: int, n_threads: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Early stopping would hold out a random share of the rows; validation here is by time only.
    # scikit-learn has no stubs, and its default "auto" is no reason to take a text alone.
    early_stopping = cast(Any, False)
    return HistGradientBoostingClassifier(
        random_state=seed, early_stopping=early_stopping, **settings
    )


def _catboost(settings: Mapping[str, Any], seed: int, n_threads: int) -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        random_seed=seed,
        thread_count=n_threads,
        allow_writing_files=False,
        verbose=False,
        **settings,
    )


REGISTRY: dict[str, Builder] = {
    "logistic_regression": _logistic_regression,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "catboost": _catboost,
}
# Estimators whose fitted form can be written as plain arrays and served without loading code.
SERVABLE = ("catboost",)


def _build_own(name: str, settings: Mapping[str, Any], seed: int, n_threads: int) -> Any:
    module, _, attribute = name.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ParameterError(
            f"estimator: expected module:Class that can be imported, got {name!r}: {error}; "
            "is its folder on PYTHONPATH?"
        ) from error
    accepted = inspect.signature(kind).parameters
    given = {"random_state": seed, "n_jobs": n_threads}
    return kind(**{key: value for key, value in given.items() if key in accepted}, **settings)
