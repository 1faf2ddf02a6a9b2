"""Headline figures of the poisoning study: the view of its
table that metrics.json, the README and the report read.

The table holds every figure. Pages name an attack and never a rate: what they read is measured at
the largest rate that the study was asked for, which stands beside it as ``<attack>.poison_rate``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fraud_core.evaluation.study_table import StudyTable
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.study.acceptance import AcceptanceCriterion, acceptance_figures
from fraud_core.poisoning.study.bench import NONE
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.effects import CHANGES, verdict
from fraud_core.poisoning.study.measurements import certified_metric

# Figures of the whole study, by their name in metrics.json: metric, and what the number is.
WHOLE: dict[str, tuple[str, Callable[[float], Any]]] = {
    "scan.clean_batches": ("scan_clean_batches", int),
    "scan.false_alarms": ("scan_false_alarms", int),
    "scan.false_alarm_rate": ("scan_false_alarm_rate", float),
    "peers.cells_total": ("cells_total", int),
    "peers.cells_non_inferior": ("cells_non_inferior", int),
    "peers.cells_superior": ("cells_superior", int),
    "peers.non_inferiority_margin": ("non_inferiority_margin", float),
    "canaries.power_at_10_percent": ("canary_power_at_10_percent", float),
    "certified.parts": ("certified_parts", int),
    "certified.alert_share": ("certified_alert_share", float),
    "gate.poisoned_sets": ("gate_poisoned_sets", int),
    "gate.poisoned_sets_refused": ("gate_poisoned_sets_refused", int),
    "gate.clean_promoted": ("gate_clean_promoted", bool),
    "gate.false_promotion_rate": ("gate_false_promotion_rate", float),
    "gate.without_null_band_rate": ("gate_without_null_band_rate", float),
    "gate.f1_rule_rate": ("gate_f1_rule_rate", float),
    "gate.pairs": ("gate_pairs", int),
    "gate.cost_null_band_eur": ("gate_cost_null_band_eur", float),
    "gate.breakdown_point": ("gate_breakdown_point", float),
}
JUDGED = CHANGES["average_precision"]
RECOVERED = "average_precision_recovered"


def headline_metrics(
    table: StudyTable,
    *,
    limit: float,
    flips: Iterable[int] = (),
    criteria: Sequence[AcceptanceCriterion] = (),
) -> dict[str, Any]:
    """The figures of metrics.json by name; an attack that the parameters do not ask for has none.

    Parameters
    ----------
    table
        Of the study.
    limit
        Largest change of average precision that does not matter in practice; the words of the
        verdicts follow from it.
    flips
        Numbers of flipped labels that recall was certified against.
    criteria
        What the study is asked to reach.
    """
    flat: dict[str, Any] = {}
    for name, (metric, kind) in WHOLE.items():
        if table.has(metric, defence=None):
            figure = table.only(metric, defence=None).estimate
            flat[name] = kind(figure) if isinstance(figure, float) else figure
    for row in table.where(attack=NULL_RUN.attack):
        flat[f"{NULL_RUN.key}.{row.metric}"] = row.value
    for metric in ("average_precision", "expected_cost_eur"):
        flat[f"{CLEAN.key}.{NONE}.{metric}"] = table.only(
            metric, **CLEAN.columns, defence=NONE
        ).estimate
    for smallest, largest in _ends(attacked_conditions(table)):
        flat |= _of_attack(table, smallest, largest, limit)
    for n_flips in flips:
        flat[f"certified.recall_at_{n_flips}_flips"] = table.only(
            certified_metric(n_flips), defence=None
        ).estimate
    return flat | _on_clean(table) | _worst(table, limit) | acceptance_figures(table, criteria)


def attacked_conditions(table: StudyTable) -> list[Condition]:
    """The attacks at their rates that a table holds, in the order of its rows.

    Examples
    --------
    >>> from fraud_core.poisoning.study.condition_rows import measured
    >>> rows = [
    ...     measured(CLEAN, "recall", 0.5),
    ...     measured(Condition("symmetric", 0.2), "recall", 0.4),
    ... ]
    >>> attacked_conditions(StudyTable.from_measurements(rows, table="ulb", study="poisoning"))
    [Condition(attack='symmetric', rate=0.2)]
    """
    pairs = table.frame.select("attack", "poison_rate").drop_nulls().unique(maintain_order=True)
    return [Condition(attack, rate) for attack, rate in pairs.iter_rows()]


def verdict_words(table: StudyTable, condition: Condition, defence: str, *, limit: float) -> str:
    """What the change of average precision under a condition is called; see `verdict`."""
    return verdict(table.only(JUDGED, **condition.columns, defence=defence).interval, limit=limit)


def attack_table(table: StudyTable, *, limit: float) -> list[dict[str, Any]]:
    """What each attack changes, who would notice without
    a model, and what it costs without a defence, as rows.
    """
    shown = []
    for condition in attacked_conditions(table):
        own = {row.metric: row for row in table.where(**condition.columns, defence=None)}
        shown.append(
            {
                "attack and budget, %": condition.key,
                "rows changed": round(own["labels_changed"].value),
                "frauds hidden, euros": round(own["hidden_eur"].value),
                "false among fraud labels": f"{own['false_fraud_share'].value:.0%}",
                "noticed by chart": f"{own['detected_by_chart'].value:.0%}",
                "noticed by monitor": f"{own['detected_by_monitor'].value:.0%}",
                "alarmed by the scan": f"{own['scan_alarmed'].value:.0%}"
                if "scan_alarmed" in own
                else "not scanned",
                "change of average precision": table.only(
                    JUDGED, **condition.columns, defence=NONE
                ).interval,
                "verdict": verdict_words(table, condition, NONE, limit=limit),
            }
        )
    return shown


def _ends(conditions: Iterable[Condition]) -> list[tuple[Condition, Condition]]:
    """Each attack at its smallest and at its largest rate."""
    by_attack: dict[str, list[Condition]] = {}
    for condition in sorted(conditions, key=lambda condition: condition.rate or 0.0):
        by_attack.setdefault(condition.attack, []).append(condition)
    return [(rates[0], rates[-1]) for rates in by_attack.values()]


def _of_attack(
    table: StudyTable, smallest: Condition, largest: Condition, limit: float
) -> dict[str, Any]:
    attack = largest.attack
    flat: dict[str, Any] = {f"{attack}.poison_rate": largest.rate}
    for defence in (NONE, SELECTOR):
        columns = largest.columns | {"defence": defence}
        for metric in (JUDGED, "success_rate"):
            if table.has(metric, **columns):
                flat[f"{attack}.{defence}.{metric}"] = table.only(metric, **columns).estimate
        if table.has(JUDGED, **columns):
            flat[f"{attack}.{defence}.verdict"] = verdict_words(
                table, largest, defence, limit=limit
            )
    if table.has(RECOVERED, **largest.columns):
        flat[f"{attack}.{RECOVERED}"] = table.only(RECOVERED, **largest.columns).estimate
    for name, condition in (("smallest", smallest), ("largest", largest)):
        if table.has("scan_alarmed", **condition.columns):
            flat[f"{attack}.{name}.poison_rate"] = condition.rate
            alarmed = table.only("scan_alarmed", **condition.columns).estimate
            flat[f"{attack}.{name}.scan_alarmed"] = alarmed
    return flat


def _on_clean(table: StudyTable) -> dict[str, Any]:
    names = {
        "clean.accuracy_cost": "clean_accuracy_cost",
        "clean.trainings_changed": "trainings_changed",
    }
    asked = {name: metric for name, metric in names.items() if table.has(metric, **CLEAN.columns)}
    return {name: table.only(metric, **CLEAN.columns).estimate for name, metric in asked.items()}


def _worst(table: StudyTable, limit: float) -> dict[str, Any]:
    """The attack of lowest average precision without a defence, under ``worst.``."""
    worst = min(
        attacked_conditions(table),
        key=lambda condition: (
            table.only("average_precision", **condition.columns, defence=NONE).value
        ),
    )
    flat: dict[str, Any] = {"worst.attack": worst.attack, "worst.poison_rate": worst.rate}
    for defence in (NONE, SELECTOR):
        for metric in ("average_precision", JUDGED):
            if table.has(metric, **worst.columns, defence=defence):
                figure = table.only(metric, **worst.columns, defence=defence).estimate
                flat[f"worst.{defence}.{metric}"] = figure
        if table.has(JUDGED, **worst.columns, defence=defence):
            flat[f"worst.{defence}.verdict"] = verdict_words(table, worst, defence, limit=limit)
    return flat | {"worst.detected": table.only("detected", **worst.columns).value}
