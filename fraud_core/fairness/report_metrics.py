"""Metrics beyond the audit: parity and its price, suppressed
positives, calibration, other thresholds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement
from fraud_core.fairness.audit import rates_by_group
from fraud_core.fairness.group_label_suppression import (
    CHANGES,
    SuppressionEffect,
    at_rate,
    suppression_effects,
)
from fraud_core.fairness.mitigation.group_thresholds import ScoredRows
from fraud_core.fairness.mitigation.pareto_front import EvaluatedMethod, build_pareto_front
from fraud_core.fairness.study import AuditStudy
from fraud_core.fairness.threshold_curves import (
    AtThreshold,
    CalibrationBin,
    calibrate,
    calibration_error,
    calibration_within,
)
from fraud_core.model.estimators import EstimatorConfig

SUPPRESSED_POSITIVES = "suppressed_positives"


def mitigate(
    study: AuditStudy,
    settings: Mapping[str, Any],
    *,
    selection_rate: float,
    n_replicates: int,
    seed: int,
) -> list[EvaluatedMethod]:
    """The Pareto front of cost against disparity for the most
    unequal attribute; empty when nothing was audited.

    Groups too small for a verdict on a half of the rows take no part.
    """
    attribute = study.most_unequal
    if study.decided is None or attribute is None:
        return []
    decided, group = study.decided, study.decided.sensitive[attribute]
    positives = {name: int(decided.y_true[group == name].sum()) for name in np.unique(group)}
    kept = np.isin(
        group, [name for name, count in positives.items() if count >= settings["minimum_positives"]]
    )
    rows = ScoredRows(decided.y_true, decided.log_odds, group, decided.features).at(kept)
    return build_pareto_front(
        rows, settings, selection_rate=selection_rate, n_replicates=n_replicates, seed=seed
    )


def recommended(front: list[EvaluatedMethod], tolerance: float) -> EvaluatedMethod:
    """The method that was named before any was tried: group
    thresholds within the budget at this tolerance.
    """
    return next(
        p
        for p in front
        if p.method == "group thresholds within the budget" and p.tolerance == tolerance
    )


def method_name(one: EvaluatedMethod) -> str:
    """A mitigation method as the study's table names it, with its tolerance.

    Examples
    --------
    >>> half = Estimate(0.5, 0.4, 0.6)
    >>> method_name(EvaluatedMethod("group thresholds", 0.02, half, half, half, 1.0, 0.1))
    'group thresholds, tolerance 0.02'
    """
    return one.method if one.tolerance is None else f"{one.method}, tolerance {one.tolerance:g}"


def mitigation_measurements(
    front: list[EvaluatedMethod], attribute: str | None
) -> Iterator[Measurement]:
    """What each mitigation method leaves of the difference of
    an attribute, and what it costs, on held-out halves.
    """
    for one in front:
        figures: dict[str, Estimate | float] = {
            "heldout_equalized_odds_difference": one.equalized_odds,
            "residual_disparity_ratio": one.residual_disparity_ratio,
            "cost_ratio": one.cost_ratio,
            "half_splits_halved_share": one.halved,
            "alert_share": one.alert_share,
        }
        for metric, figure in figures.items():
            row = Measurement.of(metric, figure, model=method_name(one), group=attribute)
            if np.isfinite((row.interval.value, row.interval.ci_low, row.interval.ci_high)).all():
                yield row


def residual_disparity_verdict(ratio: Estimate) -> str:
    """A verdict in words on the question whether at most half of a difference is left.

    Examples
    --------
    >>> (
    ...     residual_disparity_verdict(Estimate(0.4, 0.3, 0.45)),
    ...     residual_disparity_verdict(Estimate(0.4, 0.3, 0.6)),
    ... )
    ('halved', 'halved in the mean, not for sure')
    """
    if ratio.ci_high <= 0.5:
        return "halved"
    return "halved in the mean, not for sure" if ratio.value <= 0.5 else "not halved"


def method_rows(front: list[EvaluatedMethod]) -> list[dict[str, Any]]:
    """A row for each mitigation method, for a table of the report."""
    return [
        {
            "method": one.method,
            "tolerance": "none" if one.tolerance is None else f"{one.tolerance:g}",
            "equalised-odds difference": one.equalized_odds,
            "residual disparity ratio": one.residual_disparity_ratio,
            "cost, of the champion's": one.cost_ratio,
            "share alerted": one.alert_share,
        }
        for one in front
    ]


def suppress_positives(
    study: AuditStudy, settings: Mapping[str, Any], *, estimator: EstimatorConfig, **audited: Any
) -> list[SuppressionEffect]:
    """Suppress positives of one group in training, as in
    `suppression_effects`; empty when nothing was audited.

    Parameters
    ----------
    settings
        ``attribute``, ``group``, ``shares``, ``n_seeds`` and ``selection_rates``.
    """
    if study.decided is None:
        return []
    member = study.decided.sensitive[settings["attribute"]] == settings["group"]
    return suppression_effects(
        study.decided.features,
        study.decided.y_true,
        member,
        shares=settings["shares"],
        n_seeds=settings["n_seeds"],
        selection_rates=settings["selection_rates"],
        estimator=estimator,
        **audited,
    )


def suppression_measurements(
    effects: list[SuppressionEffect], selection_rate: float, group: str
) -> Iterator[Measurement]:
    """The changes at one selection rate by the share of the
    group's positives that is suppressed; 0 is the null run.
    """
    for effect in at_rate(effects, selection_rate):
        columns: dict[str, Any] = {
            "attack": SUPPRESSED_POSITIVES,
            "poison_rate": effect.suppressed_share,
            "group": group,
        }
        yield Measurement.of("labels_changed", effect.labels_changed, **columns)
        for name in CHANGES:
            yield Measurement.of(change_metric(name), effect.changes[name], **columns)


def change_metric(name: str) -> str:
    """One of `CHANGES` as a metric.

    Examples
    --------
    >>> change_metric("group false-positive rate")
    'group_false_positive_rate_change'
    """
    return f"{name.replace(' ', '_').replace('-', '_')}_change"


def calibration_of(
    study: AuditStudy, minimum_size: int
) -> dict[str, dict[str, list[CalibrationBin]]]:
    """Predicted against observed within each group of
    each attribute; empty when nothing was audited.
    """
    if study.decided is None:
        return {}
    decided = study.decided
    probability = calibrate(decided.y_true, decided.log_odds)
    return {
        attribute: calibration_within(decided.y_true, probability, group, minimum_size=minimum_size)
        for attribute, group in decided.sensitive.items()
    }


def calibration_rows(
    study: AuditStudy, within: Mapping[str, Mapping[str, list[CalibrationBin]]]
) -> list[dict[str, Any]]:
    """Mean predicted and observed rate of each group, and the calibration error over its bins.

    Notes
    -----
    One logistic calibration over all rows; what is left within a group is the group's own.
    """
    if study.decided is None:
        return []
    decided, table = study.decided, []
    probability = calibrate(decided.y_true, decided.log_odds)
    for attribute, group in decided.sensitive.items():
        everyone = np.ones(len(group), dtype=bool)
        for rate in rates_by_group(decided.y_true == 1, everyone, group):
            observed = Estimate(rate.rate, rate.ci_low, rate.ci_high)
            predicted = float(probability[group == rate.group].mean())
            bins = within[attribute].get(rate.group)
            table.append(
                {
                    "attribute": attribute,
                    "group": rate.group,
                    "rows": rate.trials,
                    "predicted": predicted,
                    "observed": observed,
                    "calibrated": "no" if observed.excludes(predicted) else "yes",
                    "calibration error": f"{calibration_error(bins):.3f}"
                    if bins
                    else "too few rows",
                }
            )
    return table


def calibration_measurements(
    within: Mapping[str, Mapping[str, list[CalibrationBin]]],
) -> Iterator[Measurement]:
    """The largest calibration error of a group, by attribute."""
    for attribute, by_group in within.items():
        if by_group:
            largest = max(calibration_error(bins) for bins in by_group.values())
            yield Measurement("calibration_error_maximum", largest, group=attribute)


def threshold_measurements(curves: Mapping[str, list[AtThreshold]]) -> Iterator[Measurement]:
    """How far equalised odds and the false-positive ratio
    go over the thresholds, and how many of these fail.
    """
    for attribute, curve in curves.items():
        odds = [max(at.recall.value, at.false_positive_rate.value) for at in curve]
        ratios = [at.false_positive_ratio.value for at in curve]
        fails = sum("fail" in (at.recall.verdict, at.false_positive_rate.verdict) for at in curve)
        if np.isfinite(odds).any():
            largest = float(np.nanmax(odds))
            yield Measurement("thresholds_equalized_odds_maximum", largest, group=attribute)
        if np.isfinite(ratios).any():
            smallest = float(np.nanmin(ratios))
            yield Measurement("thresholds_false_positive_ratio_minimum", smallest, group=attribute)
        yield Measurement("thresholds_failing", fails, group=attribute)
