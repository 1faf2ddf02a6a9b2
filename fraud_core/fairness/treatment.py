"""What follows an audit: equal treatment and its price, hidden positives, calibration within groups."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fraud_core.fairness.audit import rates_by_group
from fraud_core.fairness.front import Policy, ScoredRows, build_front
from fraud_core.fairness.hidden import CHANGES, HiddenEffect, first_visible, hidden_effects
from fraud_core.fairness.study import AuditStudy
from fraud_core.model.calibration import fit_calibration
from fraud_core.model.intervals import Interval


def mitigate(
    study: AuditStudy, settings: Mapping[str, Any], *, selection_rate: float, n_replicates: int, seed: int
) -> list[Policy]:
    """The front of cost against disparity for the most unequal attribute; empty when nothing was audited.

    Groups too small to be judged on a half of the rows take no part.
    """
    attribute = study.most_unequal
    if study.decided is None or attribute is None:
        return []
    decided, group = study.decided, study.decided.sensitive[attribute]
    positives = {name: int(decided.y_true[group == name].sum()) for name in np.unique(group)}
    kept = np.isin(group, [name for name, count in positives.items() if count >= settings["minimum_positives"]])
    rows = ScoredRows(decided.y_true, decided.margin, group, decided.features).at(kept)
    return build_front(rows, settings, selection_rate=selection_rate, n_replicates=n_replicates, seed=seed)


def recommended(front: list[Policy], tolerance: float) -> Policy:
    """The way that was named before any was tried: group thresholds within the budget at this tolerance."""
    return next(p for p in front if p.method == "group thresholds within the budget" and p.tolerance == tolerance)


def mitigation_metrics(study: AuditStudy, front: list[Policy], tolerance: float, table: str) -> dict[str, Any]:
    """What equal treatment costs, ready for metrics.json; empty without a front."""
    if not front:
        return {}
    way, attribute = recommended(front, tolerance), study.most_unequal
    parity = study.differences[attribute]["selection rate"]
    return {
        f"{table}.attribute": attribute,
        f"{table}.equalized_odds_difference": front[0].equalized_odds,
        f"{table}.demographic_parity_difference": Interval(parity.value, parity.low, parity.high),
        f"{table}.mitigated.method": f"{way.method}, tolerance {way.tolerance:g}",
        f"{table}.mitigated.equalized_odds_difference": way.equalized_odds,
        f"{table}.mitigated.cost_ratio": way.cost_ratio,
        f"{table}.mitigated.halved": way.equalized_odds.value <= front[0].equalized_odds.value / 2,
    }


def policy_rows(front: list[Policy]) -> list[dict[str, Any]]:
    """A row for each way to decide, for a table of the report."""
    return [
        {"way": way.method, "tolerance": "none" if way.tolerance is None else f"{way.tolerance:g}",
         "equalised-odds difference": way.equalized_odds, "cost, of the champion's": way.cost_ratio,
         "share alerted": way.alert_share}
        for way in front
    ]  # fmt: skip


def hide_positives(
    study: AuditStudy, settings: Mapping[str, Any], *, model: Mapping[str, Any], **audited: Any
) -> list[HiddenEffect]:
    """Hide positives of one group in training, as in `hidden_effects`; empty when nothing was audited.

    Parameters
    ----------
    settings
        ``attribute``, ``group``, ``shares`` and ``n_seeds``.
    """
    if study.decided is None:
        return []
    member = study.decided.sensitive[settings["attribute"]] == settings["group"]
    return hidden_effects(
        study.decided.features, study.decided.y_true, member, shares=settings["shares"], n_seeds=settings["n_seeds"],
        model=model, **audited,
    )  # fmt: skip


def hidden_metrics(effects: list[HiddenEffect], table: str) -> dict[str, Any]:
    """The changes at the largest share, and the first share that shows, ready for metrics.json."""
    flat: dict[str, Any] = {}
    for name in CHANGES if effects else ():
        key = name.replace(" ", "_").replace("-", "_")
        flat[f"{table}.poisoning.{key}_change"] = effects[-1].changes[name]
        flat[f"{table}.poisoning.first_visible.{key}"] = first_visible(effects, name)
    return flat


def calibration_rows(study: AuditStudy) -> list[dict[str, Any]]:
    """Mean predicted and observed rate of each group, the prediction calibrated for all alike.

    Notes
    -----
    One logistic calibration over all clients; what is left within a group is the group's own.
    """
    if study.decided is None:
        return []
    decided, found = study.decided, []
    probability = fit_calibration(decided.margin, decided.y_true).probability(decided.margin)
    for attribute, group in decided.sensitive.items():
        everyone = np.ones(len(group), dtype=bool)
        for rate in rates_by_group(decided.y_true == 1, everyone, group):
            observed = Interval(rate.rate, rate.low, rate.high)
            predicted = float(probability[group == rate.group].mean())
            fits = "no" if observed.excludes(predicted) else "yes"
            found.append({
                "attribute": attribute, "group": rate.group, "rows": rate.trials, "predicted": predicted,
                "observed": observed, "calibrated": fits,
            })  # fmt: skip
    return found
