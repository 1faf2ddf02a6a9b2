"""What hangs on the features alone, computed once: poisoning changes labels, not features.

A boosted tree begins by cutting every feature into bins. Here the bins are made once and every fit
on some of the rows, under any labels, takes its rows out of them: over attacks, defences, folds and
seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.model.estimators import EstimatorConfig, FittedEstimator
from fraud_core.model.training import CalibratedClassifier, train

BIN_SETTINGS = (
    "border_count",
    "max_bin",
    "feature_border_type",
    "nan_mode",
    "per_float_feature_quantization",
)


@dataclass(frozen=True)
class Quantised:
    """A feature matrix in bins; made by `quantise`.

    Attributes
    ----------
    features
        Shape (n_samples, n_features), float32, the matrix itself.
    groups
        `duplicate_groups` of it.
    bins
        Settings that the bins were made with, of `BIN_SETTINGS`.
    pool
        The matrix in bins, twice: n_samples rows labelled 0, then the same rows labelled 1. A pool
        cannot be given new labels, but rows with the right ones can be taken out of it.
    """

    features: np.ndarray
    groups: np.ndarray
    bins: Mapping[str, Any]
    pool: Any

    def fit(
        self,
        learnt: np.ndarray,
        y: np.ndarray,
        *,
        settings: Mapping[str, Any],
        seed: int,
        sample_weight: np.ndarray | None = None,
    ) -> FittedEstimator:
        """Fit boosted trees on some of the rows, with one thread.

        Parameters
        ----------
        learnt
            Shape (n_learnt,), row numbers.
        y
            Shape (n_learnt,), labels 0 or 1 of these rows, both present.
        settings, seed
            As in `fraud_core.model.estimators.EstimatorConfig`, whose `fit` gives the same model
            when all rows are learnt.
        sample_weight
            Shape (n_learnt,), non-negative, or None for equal weights.

        Raises
        ------
        ParameterError
            When the settings ask for other bins than the matrix has.
        """
        from catboost import CatBoostClassifier

        asked = bin_settings(settings)
        if asked and asked != self.bins:
            made = self.bins or "the defaults"
            raise ParameterError(
                f"settings: expected the bins of the matrix, made with {made}, got {asked}; "
                "quantise again"
            )
        pool = self.pool.slice(np.asarray(learnt) + len(self.features) * (np.asarray(y) == 1))
        if sample_weight is not None:
            pool.set_weight(sample_weight)
        model = CatBoostClassifier(
            random_seed=seed, thread_count=1, allow_writing_files=False, verbose=False, **settings
        )
        return FittedEstimator("catboost", model.fit(pool))


def quantise(features: np.ndarray, settings: Mapping[str, Any] | None = None) -> Quantised:
    """Cut a feature matrix into bins.

    Parameters
    ----------
    features
        Shape (n_samples, n_features); every row takes part in the choice of the bins.
    settings
        Settings of the estimator; those of `BIN_SETTINGS` are used.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 50)
    >>> X = rng.normal(y[:, None], 1.0, (50, 2))
    >>> learnt = np.arange(40)
    >>> quantise(X).fit(learnt, y[learnt], settings={"iterations": 5}, seed=0).decision_function(
    ...     X
    ... ).shape
    (50,)
    """
    from catboost import Pool

    values = np.ascontiguousarray(features, dtype=np.float32)
    bins = bin_settings(settings or {})
    pool = Pool(np.concatenate([values, values]), np.repeat([0, 1], len(values)))
    pool.quantize(**bins, dev_max_subset_size_for_build_borders=2 * len(values))
    return Quantised(values, duplicate_groups(values), bins, pool)


def bin_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an estimator that say how features are cut into bins.

    Examples
    --------
    >>> bin_settings({"depth": 6, "border_count": 64})
    {'border_count': 64}
    """
    return {name: settings[name] for name in BIN_SETTINGS if name in settings}


def duplicate_groups(features: np.ndarray) -> np.ndarray:
    """Number the distinct rows of a matrix; equal rows share a number.

    Examples
    --------
    >>> duplicate_groups(np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0]]))
    array([1, 0, 1])
    """
    rows = np.ascontiguousarray(features)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1].ravel()


def train_quantised(
    quantised: Quantised,
    estimator: EstimatorConfig,
    rows: Transactions,
    *,
    alert_budget: float,
    review_cost_eur: float,
    numbers: np.ndarray | None = None,
) -> CalibratedClassifier:
    """The steps of `fraud_core.model.training.train` on a matrix in bins.

    The model that decides is the champion's own when all rows are learnt. The model of the early
    hours, which gives calibration and threshold, has the bins of all hours: of their features, no
    label is in a bin. Only CatBoost learns from bins: any other estimator is fitted on the rows
    themselves, with one thread, because the runs of a study share the processors.

    Parameters
    ----------
    quantised
        The matrix that the rows are of.
    estimator
        With its settings, seed and calibration.
    rows
        Rows to learn from, with the labels to learn.
    alert_budget, review_cost_eur
        As in `fraud_core.model.training.train`.
    numbers
        Shape (n_rows,), the number of each of the rows in the matrix; None when the rows are the
        whole matrix.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(600, seed=0)
    >>> rows = Transactions(
    ...     toy.select("V1", "V2").to_numpy(),
    ...     toy["Class"].to_numpy(),
    ...     toy["Amount"].to_numpy(),
    ...     is_validation=np.arange(600) >= 450,
    ... )
    >>> estimator = EstimatorConfig("catboost", {"iterations": 5})
    >>> model = train_quantised(
    ...     quantise(rows.X), estimator, rows, alert_budget=0.2, review_cost_eur=1.0
    ... )
    >>> 0 < model.operating_point.threshold < 1
    True
    """
    decision = {"alert_budget": alert_budget, "review_cost_eur": review_cost_eur}
    if estimator.name != "catboost":
        return train(replace(estimator, n_threads=1), rows, **decision)  # type: ignore[arg-type]  # no fit in it
    numbers = np.arange(len(rows)) if numbers is None else numbers

    def fit(part: np.ndarray) -> FittedEstimator:
        return quantised.fit(
            numbers[part], rows.y_observed[part], settings=estimator.settings, seed=estimator.seed
        )

    return train(estimator, rows, **decision, fit=fit)
