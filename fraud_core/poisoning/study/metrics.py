"""Figures of the poisoning study under their names, and the summary that its goals are read from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.evaluation.bootstrap import Interval, share
from fraud_core.poisoning.certification import CertifiedRecall
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.detection.monitors import Detectability, canary_power
from fraud_core.poisoning.study.bench import NONE
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.conditions import CLEAN, PLACEBO, Condition
from fraud_core.poisoning.study.effects import (
    CHANGES,
    EFFECT_METRICS,
    Effects,
    mean_over_seeds,
    verdict,
)
from fraud_core.poisoning.study.inference import fieller, mean_over_draws
from fraud_core.poisoning.study.run_results import RunResult, ScanFigures

SHOWN = (*EFFECT_METRICS, *CHANGES.values())


def effect_metrics(effects: Effects, *, limit: float) -> dict[str, Any]:
    """Every metric under ``<attack>.<budget>.<defence>.<metric>``, and the placebo's noise floor."""
    flat: dict[str, Any] = {}
    for end, floors in (("floor", effects.floor), ("floor_of_mean", effects.floor_of_mean)):
        flat |= {f"placebo.{metric}_{end}": value for metric, value in floors.items() if np.isfinite(value)}
    for condition, by_defence in effects.replicates.items():
        for defence in by_defence:
            name = f"{condition.key}.{defence}"
            measured = {metric: effects.interval(condition, defence, metric) for metric in SHOWN}
            flat |= {f"{name}.{metric}": value for metric, value in measured.items()}
            flat[f"{name}.verdict"] = verdict(measured["average_precision_change"], limit=limit)
    return flat


def attack_metrics(cells: Sequence[Cell], results: Sequence[RunResult]) -> dict[str, float]:
    """What each attack changed and what each defence took out, means over seeds."""
    flat: dict[str, float] = {}
    for condition, own in by_condition(cells, results).items():
        flat[f"{condition.key}.labels_changed"] = _mean(run.attack.n_changed for run in own)
        flat[f"{condition.key}.false_fraud_share"] = _mean(run.attack.false_fraud_share for run in own)
        flat[f"{condition.key}.hidden_eur"] = _mean(run.attack.hidden_eur for run in own)
        for name in own[0].defences:
            flat[f"{condition.key}.{name}.doubted"] = _mean(run.defences[name].n_flagged for run in own)
            flat[f"{condition.key}.{name}.true_doubted"] = _mean(run.defences[name].n_true_flagged for run in own)
    return flat


def scan_metrics(cells: Sequence[Cell], results: Sequence[RunResult]) -> dict[str, Any]:
    """How well the scan ranks and names changed rows, and its false alarms on clean batches."""
    scans: dict[Condition, list[ScanFigures]] = {}
    for condition, own in by_condition(cells, results, placebo=True).items():
        scans[condition] = [run.scan for run in own if run.scan is not None]
    flat = _false_alarms([*scans.pop(CLEAN, []), *scans.pop(PLACEBO, [])])
    for condition, own in scans.items():
        if own:
            flat |= {f"scan.{condition.slug}.{name}": value for name, value in _scan_of(condition, own).items()}
    return flat


def _false_alarms(quiet: Sequence[ScanFigures]) -> dict[str, Any]:
    if not quiet:
        return {}
    alarms = sum(scan.alarmed for scan in quiet)
    return {
        "scan.clean_batches": len(quiet),
        "scan.false_alarms": alarms,
        "scan.false_alarm_rate": share(alarms, len(quiet)),
    }


def _scan_of(condition: Condition, own: Sequence[ScanFigures]) -> dict[str, Any]:
    """How the scan did under one attack; its ranking is that of the false frauds where none is hidden."""
    attack = condition.entry
    flat: dict[str, Any] = {"alarmed": _mean(scan.alarmed for scan in own)}
    hidden = _mean_ranking(scan.hidden_average_precision for scan in own)
    false = _mean_ranking(scan.false_average_precision for scan in own)
    main = false if attack.adds_false_frauds_only and false else hidden
    rankings = {"average_precision_hidden": hidden, "average_precision_false": false, "average_precision": main}
    flat |= {name: value for name, value in rankings.items() if value is not None}
    if attack.stamps_trigger:
        flat["trigger_found"] = _mean(scan.trigger_found for scan in own)
    if "source" in attack.needs:
        flat["source_named"] = _mean(scan.source_named for scan in own)
    return flat


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _mean_ranking(values: Iterable[float | None]) -> Interval | None:
    ranked = [value for value in values if value is not None]
    return mean_over_seeds(ranked) if ranked else None


def recovered_frauds(own: Sequence[RunResult]) -> dict[str, Interval]:
    """Precision and recall of the frauds the scan is sure of among noisy fraud labels, pooled over seeds."""
    recoveries = [run.scan.recovery for run in own if run.scan is not None and run.scan.recovery is not None]
    recovered = sum(len(recovery.recovered_rows) for recovery in recoveries)
    believed = sum(recovery.n_believed for recovery in recoveries)
    survivors = sum(len(recovery.survivor_rows) for recovery in recoveries)
    if not believed or not survivors:
        return {}
    return {"precision": share(recovered, believed), "recall": share(recovered, survivors)}


def backdoor_success(result: RunResult, y_true: np.ndarray, defence: str) -> Interval:
    """Share of the frauds that a model catches and that pass once the trigger is stamped on them; exact interval."""
    run = result.defences[defence]
    caught = (y_true == 1) & (run.scored.y_score >= run.threshold)
    return share(int(np.sum(caught & (run.stamped_probability < run.threshold))), max(1, int(caught.sum())))


def summarise_study(
    effects: Effects, cells: Sequence[Cell], results: Sequence[RunResult], y_true: np.ndarray
) -> dict[str, Any]:
    """The summary figures, for the attacks and defences that the profile holds."""
    flat: dict[str, Any] = {}
    groups = by_condition(cells, results)
    for condition, by_defence in effects.replicates.items():
        own = groups[condition]
        if SELECTOR not in by_defence:
            continue
        if condition == CLEAN:
            flat |= _on_clean(effects, own)
            continue
        flat |= _against_clean(effects, condition)
        flat[f"policy.{condition.slug}.cleaned"] = _mean(bool(run.selector_cleaned) for run in own)
        for name, value in recovered_frauds(own).items():
            flat[f"summary.{condition.slug}.recovered_frauds_{name}"] = value
        if condition.entry.stamps_trigger:
            flat |= _success_rates(condition, own, y_true, by_defence)
    return flat


def _success_rates(
    condition: Condition, own: Sequence[RunResult], y_true: np.ndarray, defences: Iterable[str]
) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for defence in defences:
        rates = [backdoor_success(run, y_true, defence) for run in own]
        flat[f"{condition.key}.{defence}.success_rate"] = _mean_interval(rates)
    return flat | {f"summary.{condition.attack}.success_rate": flat[f"{condition.key}.{SELECTOR}.success_rate"]}


def _on_clean(effects: Effects, own: Sequence[RunResult]) -> dict[str, Any]:
    """What the selector costs on clean data: the loss itself, and in how many clean trainings it changed anything.

    Where it changes nothing the loss is zero by construction, so the interval is that of the share.
    """
    loss = -float(effects.point(CLEAN, SELECTOR, "average_precision_change").mean())
    changed = sum(bool(run.selector_cleaned) for run in own)
    return {"summary.clean.harm": loss + 0.0, "summary.clean.changed": share(changed, len(own))}


def _against_clean(effects: Effects, condition: Condition) -> dict[str, Any]:
    """Differences to the clean training and to no defence; ratios only where they have a bound.

    A recovery rate is reported where the loss without a defence lies beyond the null band with its whole interval.
    """
    change, ap = CHANGES["average_precision"], "average_precision"
    defended, undefended = (effects.by_seed(condition, name, change) for name in (SELECTOR, NONE))
    figures: dict[str, Interval | None] = {
        "average_precision_gap": _negative(effects.interval(condition, SELECTOR, change)),
        "given_back": mean_over_draws(list(defended - undefended), null_band=effects.band(ap)),
        "kept": _of_clean(effects, condition, ap),
        "cost_ratio": _of_clean(effects, condition, "expected_cost_eur"),
    }
    if effects.interval(condition, NONE, change).high < -effects.floor_of_mean[ap]:
        figures["recovery_rate"] = fieller(defended - undefended, -undefended)
    return {f"summary.{condition.slug}.{name}": value for name, value in figures.items() if value is not None}


def _of_clean(effects: Effects, condition: Condition, metric: str) -> Interval | None:
    """A metric of the selector's model as a share of the clean-trained model's; None with one draw only."""
    own = effects.by_seed(condition, SELECTOR, metric)
    return fieller(own, effects.clean_by_seed(condition, SELECTOR, metric))


def _negative(interval: Interval) -> Interval:
    return Interval(-interval.value + 0.0, -interval.high + 0.0, -interval.low + 0.0)


def _mean_interval(rates: Sequence[Interval]) -> Interval:
    """Mean of shares over seeds; the ends are means of the exact ends, because all seeds share the same frauds."""
    return Interval(*(float(np.mean([getattr(r, end) for r in rates])) for end in ("value", "low", "high")))


def by_condition(
    cells: Sequence[Cell], results: Sequence[RunResult], *, placebo: bool = False
) -> dict[Condition, list[RunResult]]:
    """Results by attack and rate, in the order of the cells."""
    groups: dict[Condition, list[RunResult]] = {}
    for cell, result in zip(cells, results, strict=True):
        if placebo or cell.condition != PLACEBO:
            groups.setdefault(cell.condition, []).append(result)
    return groups


def monitor_metrics(seen: Mapping[Condition, Detectability], *, n_canaries: int, n_frauds: int) -> dict[str, float]:
    """Probability that each attack is noticed without a model, and that canaries notice a tenth of hidden frauds."""
    flat = {"canaries.power_at_10_percent": canary_power(n_canaries, n_frauds, 0.1)}
    for condition, value in seen.items():
        flat[f"{condition.key}.detected_by_chart"] = value.prevalence_chart
        flat[f"{condition.key}.detected_by_monitor"] = value.label_monitor
        flat[f"{condition.key}.detected"] = value.either
    return flat


def certificate_metrics(certified: CertifiedRecall) -> dict[str, Any]:
    """Certified recall by parts and flips; without parts in the name, that of the best number of parts."""
    flat: dict[str, Any] = {"certified.parts": certified.best, "certified.alert_share": certified.alert_share}
    for parts, by_flips in certified.by_parts.items():
        for flips, value in by_flips.items():
            flat[f"certified.{parts}_parts.recall_at_{flips}_flips"] = value
            if parts == certified.best:
                flat[f"certified.recall_at_{flips}_flips"] = value
    return flat


def worst_metrics(metrics: Mapping[str, Any], attacked: Iterable[Condition]) -> dict[str, Any]:
    """The attack of lowest average precision without a defence, under ``worst.``.

    Parameters
    ----------
    metrics
        Of `effect_metrics` and `monitor_metrics`.
    attacked
        Conditions to choose from.

    Examples
    --------
    >>> low, high = Interval(0.4, 0.3, 0.5), Interval(0.8, 0.7, 0.9)
    >>> flat = {f"{name}.{key}": value for name, own in (("a.5", low), ("b.5", high)) for key, value in {
    ...     "none.average_precision": own, "policy.average_precision": own, "none.verdict": "harm", "detected": 0.1,
    ... }.items()}
    >>> worst_metrics(flat, [Condition("a", 0.05), Condition("b", 0.05)])["worst.attack"]
    'a.5'
    """
    worst = min((c.key for c in attacked), key=lambda name: metrics[f"{name}.none.average_precision"].value)
    shown = ("none.average_precision", "policy.average_precision", "none.verdict", "detected")
    return {"worst.attack": worst} | {f"worst.{key}": metrics[f"{worst}.{key}"] for key in shown}


def attack_table(effects: Effects, metrics: Mapping[str, Any], attacked: Iterable[Condition]) -> list[dict[str, Any]]:
    """What each attack changes, who would notice without a model, and what it costs without a defence, as rows."""
    return [
        {
            "attack and budget, %": condition.key,
            "rows changed": round(metrics[f"{condition.key}.labels_changed"]),
            "frauds hidden, euros": round(metrics[f"{condition.key}.hidden_eur"]),
            "false among fraud labels": f"{metrics[f'{condition.key}.false_fraud_share']:.0%}",
            "noticed by chart": f"{metrics[f'{condition.key}.detected_by_chart']:.0%}",
            "noticed by monitor": f"{metrics[f'{condition.key}.detected_by_monitor']:.0%}",
            "change of average precision": effects.interval(condition, NONE, "average_precision_change"),
            "verdict": metrics[f"{condition.key}.none.verdict"],
        }
        for condition in attacked
    ]
