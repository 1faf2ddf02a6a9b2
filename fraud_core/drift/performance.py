"""One model before and after: the last hours of v0, which it was not fitted on, against v1."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.model.calibration import fit_calibration
from fraud_core.model.champion import TrainingRows
from fraud_core.model.estimators import fit_estimator
from fraud_core.model.intervals import Interval, Scored, bootstrap, interval

COMPARED = ("average_precision", "recall_at_budget")


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
    early, late = ~rows.validation, rows.validation
    fitted = fit_estimator(
        "catboost", rows.features[early], rows.y_true[early],
        settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
    )  # fmt: skip
    late_margin = fitted.margin(rows.features[late])
    calibration = fit_calibration(late_margin, rows.y_true[late])

    def measure(margin: np.ndarray, y_true: np.ndarray, amount_eur: np.ndarray) -> dict[str, np.ndarray]:
        scored = {"model": Scored(calibration.probability(margin), 0.5)}
        return bootstrap(
            y_true, scored, amount_eur, n_alerts=max(1, round(decision["alert_budget"] * len(y_true))),
            review_cost_eur=decision["review_cost_eur"], n_replicates=n_replicates, rng=rng,
        )["model"]  # fmt: skip

    before = measure(late_margin, rows.y_true[late], rows.amount_eur[late])
    after = measure(fitted.margin(holdout.features), holdout.y_true, holdout.amount_eur)
    return (
        {name: interval(before[name]) for name in COMPARED},
        {name: interval(after[name]) for name in COMPARED},
        {name: interval(after[name] - before[name]) for name in COMPARED},
    )


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
