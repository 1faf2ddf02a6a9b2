"""Differences and ratios over thresholds, and calibration within groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.fairness.audit import audit_difference
from fraud_core.fairness.disparity import Disparity
from fraud_core.fairness.ratios import audit_ratio
from fraud_core.model.calibration import fit_calibration

N_BINS = 8


@dataclass(frozen=True)
class AtThreshold:
    """The audit of one attribute when a share of the rows is selected.

    Attributes
    ----------
    selection_rate
        Share selected, the riskiest first.
    recall, false_positive_rate
        Largest difference between groups.
    false_positive_ratio
        Smallest ratio of false-positive rates.
    """

    selection_rate: float
    recall: Disparity
    false_positive_rate: Disparity
    false_positive_ratio: Disparity


def audit_thresholds(
    y_true: np.ndarray,
    log_odds: np.ndarray,
    sensitive_features: np.ndarray,
    selection_rates: Sequence[float],
    clusters: np.ndarray | None = None,
    *,
    tolerance: float,
    ratio_tolerance: float,
    minimum_size: int,
) -> list[AtThreshold]:
    """The audit at thresholds that select each of several shares of the rows.

    Parameters
    ----------
    y_true, log_odds, sensitive_features
        Label, score and group of each row, shape (n_samples,).
    clusters, tolerance, ratio_tolerance, minimum_size
        As in `audit_difference` and `audit_ratio`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, group = np.tile([0, 1], 500), np.repeat(["a", "b"], 500)
    >>> curve = audit_thresholds(
    ...     y,
    ...     y + rng.normal(size=1000),
    ...     group,
    ...     [0.1, 0.5],
    ...     tolerance=0.2,
    ...     ratio_tolerance=0.8,
    ...     minimum_size=1,
    ... )
    >>> [at.selection_rate for at in curve], curve[1].recall.verdict
    ([0.1, 0.5], 'pass')
    """
    curve = []
    for rate in selection_rates:
        alert = log_odds >= np.quantile(log_odds, 1 - rate)
        frauds, genuine = (
            (alert, y_true == label, sensitive_features, clusters) for label in (1, 0)
        )
        curve.append(
            AtThreshold(
                rate,
                audit_difference(*frauds, tolerance=tolerance, minimum_size=minimum_size),
                audit_difference(*genuine, tolerance=tolerance, minimum_size=minimum_size),
                audit_ratio(*genuine, tolerance=ratio_tolerance, minimum_size=minimum_size),
            )
        )
    return curve


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of one group whose predictions are alike:
    their mean prediction, and the share of positives.
    """

    predicted: float
    observed: Estimate
    rows: int


def calibrate(y_true: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """Probabilities by one logistic calibration for all rows,
    shape (n_samples,); what is left is the groups' own.

    Examples
    --------
    >>> y = np.tile([0, 1], 50)
    >>> bool(abs(calibrate(y, y * 2.0 + np.tile([0, 0, 1, -1], 25)).mean() - 0.5) < 1e-4)
    True
    """
    return fit_calibration(log_odds, y_true).probability(log_odds)


def calibration_within(
    y_true: np.ndarray,
    probability: np.ndarray,
    sensitive_features: np.ndarray,
    *,
    minimum_size: int,
    n_bins: int = N_BINS,
) -> dict[str, list[CalibrationBin]]:
    """Predicted against observed, by group, in bins of equal counts over all rows.

    Parameters
    ----------
    minimum_size
        A group with fewer rows is left out, and so is a bin with fewer than a tenth of that.

    Examples
    --------
    >>> p = np.repeat([0.1, 0.9], 100)
    >>> y = (np.arange(200) % 10 < 10 * p).astype(int)
    >>> bins_by_group = calibration_within(y, p, np.repeat("a", 200), minimum_size=50, n_bins=2)
    >>> [(round(bin.predicted, 3), bin.observed.value) for bin in bins_by_group["a"]]
    [(0.1, 0.1), (0.9, 0.9)]
    """
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1]))
    place = np.searchsorted(edges, probability, side="right")
    bins_by_group: dict[str, list[CalibrationBin]] = {}
    for group in np.unique(sensitive_features):
        here = sensitive_features == group
        if here.sum() < minimum_size:
            continue
        bins = []
        for number in np.unique(place[here]):
            rows = here & (place == number)
            if rows.sum() >= max(minimum_size / 10, 1):
                observed = proportion_ci(int(y_true[rows].sum()), int(rows.sum()))
                bins.append(
                    CalibrationBin(float(probability[rows].mean()), observed, int(rows.sum()))
                )
        bins_by_group[str(group)] = bins
    return bins_by_group


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Mean distance of predicted from observed, weighted by rows; 0 is perfect.

    Examples
    --------
    >>> calibration_error([CalibrationBin(0.5, Estimate(0.25, 0.1, 0.4), 10)])
    0.25
    """
    rows = np.array([one.rows for one in bins])
    return float(
        np.average([abs(one.predicted - one.observed.value) for one in bins], weights=rows)
    )
