"""The models of a replay: how they are made, what they answer on rows and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.drift.attribution.discrepancy import LabelledWindow
from fraud_core.drift.performance.forward_chaining import fit_rows
from fraud_core.evaluation.metrics import expected_cost_eur
from fraud_core.model.calibration import fit_calibration
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.operating_point import choose_threshold
from fraud_core.scoring.oblivious_trees import Calibration


@dataclass(frozen=True)
class Practice:
    """How a replay makes its models and evaluates its blocks.

    Attributes
    ----------
    estimator
        What is fitted, first and again.
    decision
        ``review_cost_eur`` and ``alert_budget``, as in the section of the parameters.
    thresholds
        ``n_bins``, ``psi_threshold``, ``domain_threshold`` and ``alpha``.
    """

    estimator: EstimatorConfig
    decision: Mapping[str, float]
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Served:
    """A model as it decides: fitted, calibrated, with its threshold."""

    estimator: Any
    calibration: Calibration
    threshold: float

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probability of fraud, shape (n_samples,)."""
        return self.calibration.probability(self.estimator.decision_function(features))


def first_model(
    rows: Transactions,
    y_observed: np.ndarray,
    trained: np.ndarray,
    calibrated: np.ndarray,
    practice: Practice,
) -> Served:
    """The model fitted on the rows of `trained`; calibration and threshold from `calibrated`.

    Raises
    ------
    ValueError
        When either holds no fraud.
    """
    for name, part in (("training", trained), ("calibration", calibrated)):
        if not y_observed[part].any():
            raise ValueError(
                f"replay, {name}: expected a fraud in its hours, found none; lengthen them"
            )
    fitted = fit_rows(rows, y_observed, trained, practice.estimator)
    log_odds, y_true = fitted.decision_function(rows.X[calibrated]), y_observed[calibrated]
    calibration = fit_calibration(log_odds, y_true)
    point = choose_threshold(
        y_true,
        calibration.probability(log_odds),
        rows.amount_eur[calibrated],
        review_cost_eur=practice.decision["review_cost_eur"],
        alert_budget=practice.decision["alert_budget"],
    )
    return Served(fitted, calibration, point.threshold)


def refitted(
    rows: Transactions,
    y_observed: np.ndarray,
    known: np.ndarray,
    first: Served,
    estimator: EstimatorConfig,
) -> Served:
    """A model fitted on all rows whose label is known, with the calibration of the first one."""
    return Served(fit_rows(rows, y_observed, known, estimator), first.calibration, first.threshold)


def labelled_window(
    rows: Transactions, y_observed: np.ndarray, part: np.ndarray, served: Served
) -> LabelledWindow:
    """Rows of a part with labels as they arrived and the probabilities of a model."""
    return LabelledWindow(rows.X[part], y_observed[part], served.probability(rows.X[part]))


def cost_of(
    rows: Transactions, part: np.ndarray, served: Served, decision: Mapping[str, float]
) -> float:
    """What the alerts of a model cost on a part of the rows, in euros."""
    alerted = served.probability(rows.X[part]) >= served.threshold
    return expected_cost_eur(
        rows.y_observed[part], alerted, rows.amount_eur[part], decision["review_cost_eur"]
    )
