"""Measurements of the poisoning study: its figures as
rows of a table, by attack, poison rate and defence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.evaluation.study_table import Measurement
from fraud_core.poisoning.certification import CertifiedRecall
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.detection.monitors import Detectability, canary_power
from fraud_core.poisoning.study.bench import NONE
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.condition_rows import measured
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.effects import (
    CHANGES,
    EFFECT_METRICS,
    WORDS,
    Effects,
    mean_over_seeds,
    verdict,
)
from fraud_core.poisoning.study.inference import fieller, mean_over_draws
from fraud_core.poisoning.study.run_results import RunResult, ScanFigures

SHOWN = (*EFFECT_METRICS, *CHANGES.values())
JUDGED = CHANGES["average_precision"]


def effect_rows(effects: Effects, cells: Sequence[Cell], *, limit: float) -> Iterator[Measurement]:
    """Every metric by condition and defence, over all
    draws and of each, and the null bands of the null runs.

    Parameters
    ----------
    cells
        Of the study; they say which seed each draw has.
    limit
        Largest change of average precision that does not matter in practice.
    """
    for end, bands in (
        ("null_band", effects.null_band),
        ("null_band_of_mean", effects.null_band_of_mean),
    ):
        for metric, value in bands.items():
            if np.isfinite(value):
                yield measured(NULL_RUN, f"{metric}_{end}", value)
    for condition, by_defence in effects.replicates.items():
        seeds = [cell.attack_seed for cell in cells if cell.condition == condition]
        for defence in by_defence:
            for metric in SHOWN:
                figure = effects.interval(condition, defence, metric)
                judged = WORDS[verdict(figure, limit=limit)] if metric == JUDGED else None
                yield measured(condition, metric, figure, defence=defence, verdict=judged)
                for seed, value in zip(
                    seeds, effects.point(condition, defence, metric), strict=True
                ):
                    yield measured(condition, metric, value, defence=defence, seed=seed)


def attack_rows(cells: Sequence[Cell], results: Sequence[RunResult]) -> Iterator[Measurement]:
    """What each attack changed and what each defence flagged, means over seeds."""
    for condition, own in by_condition(cells, results).items():
        yield measured(condition, "labels_changed", _mean(run.attack.n_changed for run in own))
        yield measured(
            condition, "false_fraud_share", _mean(run.attack.false_fraud_share for run in own)
        )
        yield measured(condition, "hidden_eur", _mean(run.attack.hidden_eur for run in own))
        for name in own[0].defences:
            runs = [run.defences[name] for run in own]
            yield measured(
                condition, "rows_flagged", _mean(run.n_flagged for run in runs), defence=name
            )
            yield measured(
                condition,
                "rows_rightly_flagged",
                _mean(run.n_true_flagged for run in runs),
                defence=name,
            )


def scan_rows(cells: Sequence[Cell], results: Sequence[RunResult]) -> Iterator[Measurement]:
    """How well the scan ranks and names changed rows, and its false alarms on clean batches."""
    scans: dict[Condition, list[ScanFigures]] = {}
    for condition, own in by_condition(cells, results, null_run=True).items():
        scans[condition] = [run.scan for run in own if run.scan is not None]
    yield from _false_alarms([*scans.pop(CLEAN, []), *scans.pop(NULL_RUN, [])])
    for condition, own in scans.items():
        if own:
            yield from _scan_of(condition, own)


def _false_alarms(quiet: Sequence[ScanFigures]) -> Iterator[Measurement]:
    if quiet:
        alarms = sum(scan.alarmed for scan in quiet)
        yield Measurement("scan_clean_batches", len(quiet))
        yield Measurement("scan_false_alarms", alarms)
        yield Measurement.of("scan_false_alarm_rate", proportion_ci(alarms, len(quiet)))


def _scan_of(condition: Condition, own: Sequence[ScanFigures]) -> Iterator[Measurement]:
    """How the scan did under one attack; its ranking
    is that of the false frauds where none is hidden.
    """
    attack = condition.entry
    yield measured(condition, "scan_alarmed", _mean(scan.alarmed for scan in own))
    hidden = _mean_ranking(scan.hidden_average_precision for scan in own)
    false = _mean_ranking(scan.false_average_precision for scan in own)
    main = false if attack.adds_false_frauds_only and false else hidden
    for end, value in (("_hidden", hidden), ("_false", false), ("", main)):
        if value is not None:
            yield measured(condition, f"scan_average_precision{end}", value)
    if attack.stamps_trigger:
        yield measured(condition, "scan_trigger_found", _mean(scan.trigger_found for scan in own))
    if "source" in attack.needs:
        yield measured(condition, "scan_source_named", _mean(scan.source_named for scan in own))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _mean_ranking(values: Iterable[float | None]) -> Estimate | None:
    ranked = [value for value in values if value is not None]
    return mean_over_seeds(ranked) if ranked else None


def recovered_frauds(own: Sequence[RunResult]) -> dict[str, Estimate]:
    """Precision and recall of the frauds the scan is
    sure of among noisy fraud labels, pooled over seeds.
    """
    recoveries = [
        run.scan.recovery for run in own if run.scan is not None and run.scan.recovery is not None
    ]
    recovered = sum(len(recovery.recovered_rows) for recovery in recoveries)
    noise_corrected_posterior = sum(recovery.n_accepted for recovery in recoveries)
    retained_frauds = sum(len(recovery.survivor_rows) for recovery in recoveries)
    if not noise_corrected_posterior or not retained_frauds:
        return {}
    return {
        "precision": proportion_ci(recovered, noise_corrected_posterior),
        "recall": proportion_ci(recovered, retained_frauds),
    }


def backdoor_success(result: RunResult, y_true: np.ndarray, defence: str) -> Estimate:
    """Share of the frauds that a model catches and that pass
    once the trigger is stamped on them; exact interval.
    """
    run = result.defences[defence]
    caught = (y_true == 1) & (run.scored.y_score >= run.threshold)
    return proportion_ci(
        int(np.sum(caught & (run.stamped_probability < run.threshold))), max(1, int(caught.sum()))
    )


def summary_rows(
    effects: Effects, cells: Sequence[Cell], results: Sequence[RunResult], y_true: np.ndarray
) -> Iterator[Measurement]:
    """What the selector gives back and costs, for the attacks and defences that the profile holds.

    Parameters
    ----------
    y_true
        Shape (n_holdout,), labels of v1.
    """
    groups = by_condition(cells, results)
    for condition, by_defence in effects.replicates.items():
        own = groups[condition]
        if SELECTOR not in by_defence:
            continue
        if condition == CLEAN:
            yield from _on_clean(effects, own)
            continue
        yield from _against_clean(effects, condition)
        cleaned = _mean(bool(run.selector_cleaned) for run in own)
        yield measured(condition, "selector_cleaned", cleaned, defence=SELECTOR)
        for name, value in recovered_frauds(own).items():
            yield measured(condition, f"recovered_frauds_{name}", value)
        if condition.entry.stamps_trigger:
            for defence in by_defence:
                rates = [backdoor_success(run, y_true, defence) for run in own]
                yield measured(condition, "success_rate", _mean_interval(rates), defence=defence)


def _on_clean(effects: Effects, own: Sequence[RunResult]) -> Iterator[Measurement]:
    """What the selector costs on clean data: the loss itself,
    and in how many clean trainings it changed anything.

    Where it changes nothing the loss is zero by construction, so the interval is that of the share.
    """
    loss = -float(effects.point(CLEAN, SELECTOR, JUDGED).mean())
    changed = sum(bool(run.selector_cleaned) for run in own)
    yield measured(CLEAN, "clean_accuracy_cost", loss + 0.0, defence=SELECTOR)
    yield measured(CLEAN, "trainings_changed", proportion_ci(changed, len(own)), defence=SELECTOR)


def _against_clean(effects: Effects, condition: Condition) -> Iterator[Measurement]:
    """Differences to the clean training and to no defence; ratios only where they have a bound.

    A recovery rate is reported where the loss without a defence lies beyond the null band with its
    whole interval.
    """
    ap = "average_precision"
    defended, undefended = (effects.by_seed(condition, name, JUDGED) for name in (SELECTOR, NONE))
    figures: dict[str, Estimate | None] = {
        "average_precision_gap": _negative(effects.interval(condition, SELECTOR, JUDGED)),
        "average_precision_recovered": mean_over_draws(
            list(defended - undefended), null_band=effects.band(ap)
        ),
        "kept": _of_clean(effects, condition, ap),
        "cost_ratio": _of_clean(effects, condition, "expected_cost_eur"),
    }
    if effects.interval(condition, NONE, JUDGED).ci_high < -effects.null_band_of_mean[ap]:
        figures["recovery_rate"] = fieller(defended - undefended, -undefended)
    for name, value in figures.items():
        if value is not None:
            yield measured(condition, name, value, defence=SELECTOR)


def _of_clean(effects: Effects, condition: Condition, metric: str) -> Estimate | None:
    """A metric of the selector's model as a share of
    the clean-trained model's; None with one draw only.
    """
    own = effects.by_seed(condition, SELECTOR, metric)
    return fieller(own, effects.clean_by_seed(condition, SELECTOR, metric))


def _negative(interval: Estimate) -> Estimate:
    return Estimate(-interval.value + 0.0, -interval.ci_high + 0.0, -interval.ci_low + 0.0)


def _mean_interval(rates: Sequence[Estimate]) -> Estimate:
    """Mean of shares over seeds; the ends are means of the
    exact ends, because all seeds share the same frauds.
    """
    ends = np.mean([(rate.value, rate.ci_low, rate.ci_high) for rate in rates], axis=0)
    return Estimate(*(float(end) for end in ends))


def by_condition(
    cells: Sequence[Cell], results: Sequence[RunResult], *, null_run: bool = False
) -> dict[Condition, list[RunResult]]:
    """Results by attack and rate, in the order of the cells."""
    groups: dict[Condition, list[RunResult]] = {}
    for cell, result in zip(cells, results, strict=True):
        if null_run or cell.condition != NULL_RUN:
            groups.setdefault(cell.condition, []).append(result)
    return groups


def monitor_rows(
    seen: Mapping[Condition, Detectability], *, n_canaries: int, n_frauds: int
) -> Iterator[Measurement]:
    """Probability that each attack is noticed without a
    model, and that canaries notice a tenth of hidden frauds.
    """
    yield Measurement("canary_power_at_10_percent", canary_power(n_canaries, n_frauds, 0.1))
    for condition, value in seen.items():
        yield measured(condition, "detected_by_chart", value.prevalence_chart)
        yield measured(condition, "detected_by_monitor", value.label_monitor)
        yield measured(condition, "detected", value.either)


def certificate_rows(certified: CertifiedRecall) -> Iterator[Measurement]:
    """Certified recall by number of flips, of each number
    of parts as a defence, and of the best of these.
    """
    yield Measurement("certified_parts", certified.best)
    yield Measurement("certified_alert_share", certified.alert_share)
    for parts, by_flips in certified.by_parts.items():
        for flips, value in by_flips.items():
            yield Measurement.of(certified_metric(flips), value, defence=f"vote_of_{parts}_parts")
            if parts == certified.best:
                yield Measurement.of(certified_metric(flips), value)


def certified_metric(n_flips: int) -> str:
    """Name of the recall that is certified against some flipped labels.

    Examples
    --------
    >>> certified_metric(5)
    'certified_recall_at_5_flips'
    """
    return f"certified_recall_at_{n_flips}_flips"
