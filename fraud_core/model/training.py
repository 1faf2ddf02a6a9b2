"""From training rows to a model that can decide:
estimator, calibration and threshold, by time alone.

The rows of v0 are cut once more: an estimator is fitted on the early hours, calibrated and given
its threshold on the last hours, then fitted again on all of v0. The calibration and the threshold
of the first fit are kept: the second one has seen the last hours, so nothing may be read off them
any more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import ModelScores
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.calibration import calibrate
from fraud_core.model.estimators import EstimatorConfig, FittedEstimator
from fraud_core.model.operating_point import OperatingPoint, choose_threshold
from fraud_core.scoring.oblivious_trees import Calibration


@dataclass(frozen=True)
class CalibratedClassifier:
    """An estimator fitted on all of v0, with the
    calibration and the threshold of its validation rows.

    Attributes
    ----------
    estimator
        Fitted on all rows.
    calibration, operating_point
        Of an estimator that was fitted without the validation rows.
    validation_log_odds
        Shape (n_validation,), what that estimator answered for the validation rows, not calibrated.
    validation_average_precision
        Of these.
    """

    estimator: FittedEstimator
    calibration: Calibration
    operating_point: OperatingPoint
    validation_log_odds: np.ndarray
    validation_average_precision: float

    def scored(self, X: np.ndarray) -> ModelScores:
        """Probabilities and threshold on rows of shape (n_samples, n_features)."""
        probability = self.calibration.probability(self.estimator.decision_function(X))
        return ModelScores(probability, self.operating_point.threshold)


Fit = Callable[[np.ndarray], FittedEstimator]


def train(
    estimator: EstimatorConfig,
    rows: Transactions,
    *,
    alert_budget: float,
    review_cost_eur: float,
    fit: Fit | None = None,
) -> CalibratedClassifier:
    """Fit, calibrate, choose the threshold, fit again.

    Parameters
    ----------
    estimator
        What to fit and how to calibrate it.
    rows
        All of v0, with validation rows.
    alert_budget, review_cost_eur
        As in `choose_threshold`.
    fit
        Fits the estimator on the rows of a mask of shape (n_samples,), where it can be done faster
        than by ``estimator.fit``; None for that.

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
    >>> model = train(
    ...     EstimatorConfig("logistic_regression"), rows, alert_budget=0.2, review_cost_eur=1.0
    ... )
    >>> 0 < model.operating_point.threshold < 1
    True
    """
    fit = fit or (lambda part: estimator.fit(rows.X[part], rows.y_observed[part]))
    late = rows.is_validation
    log_odds = fit(~late).decision_function(rows.X[late])
    calibrated = calibrate(log_odds, rows.y_observed[late], estimator.calibration)
    operating_point = choose_threshold(
        rows.y_observed[late],
        calibrated.probability(log_odds),
        rows.amount_eur[late],
        review_cost_eur=review_cost_eur,
        alert_budget=alert_budget,
    )
    return CalibratedClassifier(
        estimator=fit(np.ones(len(rows), dtype=bool)),
        calibration=calibrated,
        operating_point=operating_point,
        validation_log_odds=log_odds,
        validation_average_precision=average_precision(rows.y_observed[late], log_odds),
    )
