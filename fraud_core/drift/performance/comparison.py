"""One model before and after: the last hours of v0, which it was not fitted on, against v1."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.drift.performance.forward_chaining import fit_rows, rolling_origin_log_odds
from fraud_core.drift.performance.shift_decomposition import Decomposition, decompose, log_loss
from fraud_core.evaluation.bootstrap import Estimate, ModelScores, bootstrap, interval
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.model.calibration import fit_calibration
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.operating_point import choose_threshold

COMPARED = (
    "average_precision",
    "recall_at_budget",
    "calibration_error",
    "expected_cost_eur_per_1000",
)
CALIBRATION_BLOCKS = 3
# The words of `verdict`, and what they say of the question whether performance held.
WORDS = {
    "fell": Verdict.FAIL,
    "rose": Verdict.PASS,
    "unchanged": Verdict.PASS,
    "insufficient evidence": Verdict.INSUFFICIENT,
}
FELL, ROSE, UNCHANGED, UNKNOWN = WORDS


@dataclass(frozen=True)
class ScoredWindows:
    """What one model answers on two windows that it has not seen, and where it decides.

    Attributes
    ----------
    before, after
        Rows of the late hours of v0 and of v1.
    p_before, p_after
        Calibrated probabilities of these rows.
    threshold
        A row is alerted when its probability is at least this.
    """

    before: Transactions
    after: Transactions
    p_before: np.ndarray
    p_after: np.ndarray
    threshold: float


def score_windows(
    v0: Transactions,
    late: np.ndarray,
    v1: Transactions,
    *,
    estimator: EstimatorConfig,
    decision: Mapping[str, float],
) -> ScoredWindows:
    """Score the late hours of v0 and v1 by one model that was
    fitted, calibrated and given its threshold before both.

    Parameters
    ----------
    late
        Shape (n_samples,), True for the late hours of v0.
    model, decision
        Sections of the parameters.

    Notes
    -----
    Calibration and threshold come from the early hours alone, scored forward. Chosen on the late
    hours they would suit these better than any later rows, and the difference would pass for drift.
    """
    early, before = v0.take(~late), v0.take(late)
    fitted = fit_rows(early, early.y_observed, np.ones(len(early), bool), estimator)
    log_odds, y_true, row = rolling_origin_log_odds(
        early, n_blocks=CALIBRATION_BLOCKS, estimator=estimator
    )
    calibration = fit_calibration(log_odds, y_true)
    point = choose_threshold(
        y_true, calibration.probability(log_odds), early.amount_eur[row], **decision
    )
    p_before, p_after = (
        calibration.probability(fitted.decision_function(window.X)) for window in (before, v1)
    )
    return ScoredWindows(before, v1, p_before, p_after, point.threshold)


def compare_performance(
    windows: ScoredWindows,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    rng: np.random.Generator,
) -> tuple[dict[str, Estimate], dict[str, Estimate], dict[str, Estimate]]:
    """Performance of the model on the late hours of v0 and on v1.

    Returns
    -------
    before, after, change
        Intervals of the metrics of `COMPARED`. The windows hold different rows, so the change is
        not paired.

    Notes
    -----
    Average precision depends on the share of frauds; the two windows have different shares, and
    part of a change may be that alone.
    """

    def measure(rows: Transactions, probability: np.ndarray) -> dict[str, np.ndarray]:
        replicates = bootstrap(
            rows.y_observed,
            {"model": ModelScores(probability, windows.threshold)},
            rows.amount_eur,
            n_alerts=max(1, round(decision["alert_budget"] * len(rows.y_observed))),
            review_cost_eur=decision["review_cost_eur"],
            n_replicates=n_replicates,
            rng=rng,
        )["model"]
        return replicates | {
            "expected_cost_eur_per_1000": replicates["expected_cost_eur"]
            * 1000
            / len(rows.y_observed)
        }

    before, after = (
        measure(windows.before, windows.p_before),
        measure(windows.after, windows.p_after),
    )
    return (
        {name: interval(before[name]) for name in COMPARED},
        {name: interval(after[name]) for name in COMPARED},
        {name: interval(after[name] - before[name]) for name in COMPARED},
    )


def decompose_change(
    windows: ScoredWindows,
    *,
    decision: Mapping[str, float],
    n_resamples: int,
    rng: np.random.Generator,
) -> dict[str, Decomposition]:
    """The change of log loss and of cost (euros a transaction)
    from the late hours of v0 to v1, in its parts.
    """

    def cost(rows: Transactions, probability: np.ndarray) -> np.ndarray:
        alerted = probability >= windows.threshold
        return np.where(
            alerted,
            decision["review_cost_eur"],
            np.where(rows.y_observed == 1, rows.amount_eur, 0.0),
        )

    before, after = windows.before, windows.after
    losses = {
        "log_loss": (
            log_loss(before.y_observed, windows.p_before),
            log_loss(after.y_observed, windows.p_after),
        ),
        "cost_eur": (cost(before, windows.p_before), cost(after, windows.p_after)),
    }
    return decompose(before.X, after.X, losses, rng=rng, n_resamples=n_resamples)


def verdict(change: Estimate, *, margin: float) -> str:
    """A change of performance in words: ``fell``,
    ``rose``, ``unchanged`` or ``insufficient evidence``.

    Unchanged needs the whole interval within ``margin``; an interval that merely holds zero shows
    neither.

    Examples
    --------
    >>> (
    ...     verdict(Estimate(0.0, -0.2, 0.2), margin=0.05),
    ...     verdict(Estimate(-0.2, -0.3, -0.1), margin=0.05),
    ... )
    ('insufficient evidence', 'fell')
    """
    if change.excludes(0.0):
        return FELL if change.value < 0 else ROSE
    return UNCHANGED if -margin < change.ci_low and change.ci_high < margin else UNKNOWN
