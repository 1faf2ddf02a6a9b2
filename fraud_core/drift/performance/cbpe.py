"""Confidence-based performance estimation (CBPE): performance before labels arrive.

A calibrated probability is the expected label, so the metrics can be computed with it instead
of the labels. This holds as long as the probability of fraud given the features is the one that the
calibration saw: a move of features is carried over, a new fraud pattern is not.
"""

from dataclasses import dataclass

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.calibration import fit_calibration

N_RESAMPLES = 100


@dataclass(frozen=True)
class CbpeResult:
    """Performance estimated without labels beside the performance realised once labels came.

    Attributes
    ----------
    estimated
        Average precision computed from the probabilities; the interval holds the uncertainty of the
        calibration and of the labels that will be drawn.
    realised
        Average precision on the labels, with its bootstrap interval.
    error
        Estimated less realised, with the interval of both.
    estimated_frauds, realised_frauds
        Sum of the probabilities, and number of frauds on the labels.
    """

    estimated: Estimate
    realised: Estimate
    error: Estimate
    estimated_frauds: float
    realised_frauds: int


def estimated_average_precision(probability: np.ndarray) -> float:
    """Average precision when each row is a fraud with its own probability, estimated; in [0, 1].

    Parameters
    ----------
    probability
        Shape (n_samples,), calibrated, not all 0.

    Notes
    -----
    Rows are ranked by probability; a fraud at rank i has the expected precision (1 + Σ of the
    probabilities above it) / i, and the ranks are weighted by their probability. The ratio of the
    two expectations is used for the expectation of the ratio.

    References
    ----------
    NannyML (2022), confidence-based performance estimation; J. Bialek et al. (2024), Estimating
    model performance under covariate shift without labels.

    Examples
    --------
    >>> estimated_average_precision(np.array([1.0, 1.0, 0.0]))
    1.0
    """
    ranked = np.sort(probability)[::-1]
    above = np.cumsum(ranked) - ranked
    return float(np.sum(ranked * (1 + above) / np.arange(1, len(ranked) + 1)) / ranked.sum())


def estimate_performance(
    calibration_log_odds: np.ndarray,
    calibration_y_true: np.ndarray,
    log_odds: np.ndarray,
    y_true: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> CbpeResult:
    """Estimate average precision on rows without their labels, and compare it with the labels.

    Parameters
    ----------
    calibration_log_odds, calibration_y_true
        Shapes (n,), log-odds and labels of past rows that the scoring model was not fitted on.
    log_odds, y_true
        Shapes (m,), log-odds of the rows in question and the labels that came later; these serve
        the realised performance only.
    rng
        Source of the resamples: the calibration's rows for its own uncertainty, labels for that of
        the draw.
    n_resamples
        How many.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> log_odds = rng.normal(-4.0, 2.0, 40_000)
    >>> y = (rng.random(40_000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    >>> result = estimate_performance(
    ...     log_odds[:20_000], y[:20_000], log_odds[20_000:], y[20_000:], rng=rng
    ... )
    >>> abs(result.error.value) < 0.05
    True
    """
    probability = fit_calibration(calibration_log_odds, calibration_y_true).probability(log_odds)
    # every calibration keeps the order of the log-odds, so the rows are ranked once
    order = np.argsort(-log_odds, kind="stable")
    ranked, labels, ones = log_odds[order], y_true[order], np.ones(len(log_odds))
    estimated, realised = (
        [estimated_average_precision(probability)],
        [average_precision(y_true, log_odds)],
    )
    frauds, others = (
        np.flatnonzero(calibration_y_true == 1),
        np.flatnonzero(calibration_y_true == 0),
    )
    for _ in range(n_resamples):
        rows = np.concatenate(
            [rng.choice(frauds, rng.poisson(len(frauds)) or 1), rng.choice(others, len(others))]
        )
        again = fit_calibration(calibration_log_odds[rows], calibration_y_true[rows]).probability(
            ranked
        )
        estimated.append(_ranked_precision(rng.random(len(again)) < again, ones))
        realised.append(_ranked_precision(labels == 1, rng.poisson(1.0, len(labels)).astype(float)))
    estimated, realised = np.array(estimated), np.array(realised)
    return CbpeResult(
        interval(estimated),
        interval(realised),
        interval(estimated - realised),
        float(probability.sum()),
        int(y_true.sum()),
    )


def _ranked_precision(is_fraud: np.ndarray, weight: np.ndarray) -> float:
    """Average precision of rows from the highest score
    down, each so often as its weight; 0 without a fraud.
    """
    frauds = weight * is_fraud
    total = frauds.sum()
    return (
        float(np.sum(frauds * np.cumsum(frauds) / np.maximum(np.cumsum(weight), 1.0)) / total)
        if total
        else 0.0
    )
