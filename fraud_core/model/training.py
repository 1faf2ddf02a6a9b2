"""From training rows to a model that can decide: estimator, calibration and threshold, by time alone.

The rows of v0 are cut once more: an estimator is fitted on the early hours, calibrated and given its threshold on the
last hours, then fitted again on all of v0. The calibration and the threshold of the first fit are kept: the second one
has seen the last hours, so nothing may be read off them any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Scored
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.calibration import Method, calibrate
from fraud_core.model.estimators import FittedEstimator, fit_estimator
from fraud_core.model.operating_point import OperatingPoint, choose_threshold
from fraud_core.scoring.oblivious_trees import Calibration


@dataclass(frozen=True)
class DecidingModel:
    """An estimator fitted on all of v0, with the calibration and the threshold of its validation hours."""

    estimator: FittedEstimator
    calibration: Calibration
    operating_point: OperatingPoint
    validation_average_precision: float

    def scored(self, features: np.ndarray) -> Scored:
        """Probabilities and threshold on rows of shape (n_samples, n_features)."""
        probability = self.calibration.probability(self.estimator.margin(features))
        return Scored(probability, self.operating_point.threshold)


def train(
    name: str,
    rows: Transactions,
    *,
    settings: Mapping[str, Any],
    seed: int,
    n_threads: int,
    alert_budget: float,
    review_cost_eur: float,
    calibration: Method = "platt",
) -> DecidingModel:
    """Fit, calibrate, choose the threshold, fit again.

    Parameters
    ----------
    name
        An estimator of `fraud_core.model.estimators.NAMES`.
    rows
        All of v0.
    settings, seed, n_threads
        As in `fit_estimator`.
    alert_budget, review_cost_eur
        As in `choose_threshold`.
    calibration
        As in `fraud_core.model.calibration.calibrate`.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(600, seed=0)
    >>> rows = Transactions(toy.select("V1", "V2").to_numpy(), toy["Class"].to_numpy(), toy["Amount"].to_numpy(),
    ...                     is_validation=np.arange(600) >= 450)
    >>> model = train("logistic_regression", rows, settings={}, seed=0, n_threads=1, alert_budget=0.2,
    ...               review_cost_eur=1.0)
    >>> 0 < model.operating_point.threshold < 1
    True
    """
    early, late = ~rows.is_validation, rows.is_validation
    fit = {"settings": settings, "seed": seed, "n_threads": n_threads}
    first = fit_estimator(name, rows.X[early], rows.y_observed[early], **fit)
    margin = first.margin(rows.X[late])
    calibrated = calibrate(margin, rows.y_observed[late], calibration)
    operating_point = choose_threshold(
        rows.y_observed[late],
        calibrated.probability(margin),
        rows.amount_eur[late],
        review_cost_eur=review_cost_eur,
        alert_budget=alert_budget,
    )
    return DecidingModel(
        estimator=fit_estimator(name, rows.X, rows.y_observed, **fit),
        calibration=calibrated,
        operating_point=operating_point,
        validation_average_precision=average_precision(rows.y_observed[late], margin),
    )
