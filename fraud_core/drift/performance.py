"""One model before and after: the last hours of v0, which it was not fitted on, against v1."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.drift.decomposition import Decomposition, decompose, log_loss
from fraud_core.model.calibration import fit_calibration
from fraud_core.model.champion import TrainingRows
from fraud_core.model.decision import choose_threshold
from fraud_core.model.estimators import fit_estimator
from fraud_core.model.intervals import Interval, Scored, bootstrap, interval

COMPARED = ("average_precision", "recall_at_budget", "calibration_error", "expected_cost_eur_per_1000")


def compare_performance(
    rows: TrainingRows,
    holdout: Arrays,
    *,
    model: Mapping[str, Any],
    decision: Mapping[str, float],
    n_replicates: int,
    rng: np.random.Generator,
) -> tuple[dict[str, Interval], dict[str, Interval], dict[str, Interval]]:
    """Performance of a model fitted on the early hours of v0, on the late hours of v0 and on v1.

    Returns
    -------
    before, after, change
        Intervals of the metrics of `COMPARED`. The windows hold different rows, so the change is not paired.

    Notes
    -----
    Average precision depends on the share of frauds; the two windows have different shares, and part of a change may
    be that alone.
    """
    late = rows.validation
    late_margin, holdout_margin = score_windows(rows, holdout, model=model)
    calibration = fit_calibration(late_margin, rows.y_true[late])
    threshold = choose_threshold(
        rows.y_true[late], calibration.probability(late_margin), rows.amount_eur[late], **decision
    ).threshold

    def measure(margin: np.ndarray, y_true: np.ndarray, amount_eur: np.ndarray) -> dict[str, np.ndarray]:
        scored = {"model": Scored(calibration.probability(margin), threshold)}
        found = bootstrap(
            y_true, scored, amount_eur, n_alerts=max(1, round(decision["alert_budget"] * len(y_true))),
            review_cost_eur=decision["review_cost_eur"], n_replicates=n_replicates, rng=rng,
        )["model"]  # fmt: skip
        return found | {"expected_cost_eur_per_1000": found["expected_cost_eur"] * 1000 / len(y_true)}

    before = measure(late_margin, rows.y_true[late], rows.amount_eur[late])
    after = measure(holdout_margin, holdout.y_true, holdout.amount_eur)
    return (
        {name: interval(before[name]) for name in COMPARED},
        {name: interval(after[name]) for name in COMPARED},
        {name: interval(after[name] - before[name]) for name in COMPARED},
    )


def score_windows(rows: TrainingRows, holdout: Arrays, *, model: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of the late hours of v0 and of v1, by one model fitted on the early hours of v0."""
    early, late = ~rows.validation, rows.validation
    fitted = fit_estimator(
        "catboost", rows.features[early], rows.y_true[early],
        settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
    )  # fmt: skip
    return fitted.margin(rows.features[late]), fitted.margin(holdout.features)


def decompose_change(
    rows: TrainingRows, holdout: Arrays, *, model: Mapping[str, Any], decision: Mapping[str, float],
    rng: np.random.Generator,
) -> dict[str, Decomposition]:  # fmt: skip
    """The change of log loss and of cost (euros a transaction) from the late hours of v0 to v1, in its parts."""
    late = rows.validation
    before, after = score_windows(rows, holdout, model=model)
    calibration = fit_calibration(before, rows.y_true[late])
    p_before, p_after = calibration.probability(before), calibration.probability(after)
    threshold = choose_threshold(rows.y_true[late], p_before, rows.amount_eur[late], **decision).threshold

    def cost(probability: np.ndarray, y_true: np.ndarray, amount_eur: np.ndarray) -> np.ndarray:
        alerted = probability >= threshold
        return np.where(alerted, decision["review_cost_eur"], np.where(y_true == 1, amount_eur, 0.0))

    losses = {
        "log_loss": (log_loss(rows.y_true[late], p_before), log_loss(holdout.y_true, p_after)),
        "cost_eur": (
            cost(p_before, rows.y_true[late], rows.amount_eur[late]),
            cost(p_after, holdout.y_true, holdout.amount_eur),
        ),
    }
    return decompose(rows.features[late], holdout.features, losses, rng=rng)


def verdict(change: Interval, *, limit: float) -> str:
    """A change of performance in words: ``fell``, ``rose``, ``unchanged`` or ``insufficient evidence``.

    Unchanged needs the whole interval within ``limit``; an interval that merely holds zero shows neither.

    Examples
    --------
    >>> verdict(Interval(0.0, -0.2, 0.2), limit=0.05), verdict(Interval(-0.2, -0.3, -0.1), limit=0.05)
    ('insufficient evidence', 'fell')
    """
    if change.excludes(0.0):
        return "fell" if change.value < 0 else "rose"
    return "unchanged" if -limit < change.low and change.high < limit else "insufficient evidence"
