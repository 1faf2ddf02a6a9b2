"""The figures of the poisoning study under their names, and the summary that its goals are read from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.model.champion import TrainingRows
from fraud_core.model.intervals import Interval, share
from fraud_core.poisoning.certificate import CertifiedRecall
from fraud_core.poisoning.detectability import Detectability, canary_power
from fraud_core.poisoning.effects import (
    CHANGES,
    EFFECT_METRICS,
    Effects,
    Result,
    mean_over_seeds,
    scored,
    verdict,
)
from fraud_core.poisoning.inference import fieller, mean_over_draws
from fraud_core.poisoning.study import CLEAN, PLACEBO, Cell

SHOWN = (*EFFECT_METRICS, *(f"{metric}_change" for metric in CHANGES))


def effect_metrics(effects: Effects, *, limit: float) -> dict[str, Any]:
    """Every metric under ``<attack>.<budget>.<defence>.<metric>``, and the placebo's noise floor."""
    flat: dict[str, Any] = {}
    for end, floors in (("floor", effects.floor), ("floor_of_mean", effects.floor_of_mean)):
        flat |= {f"placebo.{metric}_{end}": value for metric, value in floors.items() if np.isfinite(value)}
    for group, by_defence in effects.replicates.items():
        for defence in by_defence:
            found = {metric: effects.interval(group, defence, metric) for metric in SHOWN}
            flat |= {f"{group}.{defence}.{metric}": value for metric, value in found.items()}
            flat[f"{group}.{defence}.verdict"] = verdict(found["average_precision_change"], limit=limit)
    return flat


def attack_metrics(cells: Sequence[Cell], results: Sequence[Result]) -> dict[str, float]:
    """What each attack changed and what each defence took out, means over seeds."""
    flat: dict[str, float] = {}
    for group, own in by_group(cells, results).items():
        for name, key in (("labels_changed", "n_changed"), ("false_fraud_share",) * 2, ("hidden_eur",) * 2):
            flat[f"{group}.{name}"] = float(np.mean([result[key] for result in own]))
        for key in own[0]:
            if key.endswith((".doubted", ".true_doubted")):
                flat[f"{group}.{key}"] = float(np.mean([result[key] for result in own]))
    return flat


def scan_metrics(cells: Sequence[Cell], results: Sequence[Result]) -> dict[str, Any]:
    """How well the scan ranks and names changed rows, and its false alarms on clean batches."""
    flat: dict[str, Any] = {}
    groups = by_group(cells, results, placebo=True)
    quiet = [r for name in (CLEAN, PLACEBO) for r in groups.pop(name, []) if "scan.alarmed" in r]
    if quiet:
        flat["scan.clean_batches"] = len(quiet)
        flat["scan.false_alarms"] = int(sum(int(r["scan.alarmed"]) for r in quiet))
        flat["scan.false_alarm_rate"] = share(flat["scan.false_alarms"], len(quiet))
    for group, own in groups.items():
        if "scan.alarmed" not in own[0]:
            continue
        key = group.replace(".", "_")
        flat[f"scan.{key}.alarmed"] = float(np.mean([r["scan.alarmed"] for r in own]))
        for label, name in ((0, "hidden"), (1, "false")):
            ranked = [
                float(r[f"scan.average_precision_{label}"]) for r in own if f"scan.average_precision_{label}" in r
            ]
            if ranked:
                flat[f"scan.{key}.average_precision_{name}"] = mean_over_seeds(ranked)
        if group.startswith("legit_to_fraud") and f"scan.{key}.average_precision_false" in flat:
            flat[f"scan.{key}.average_precision"] = flat[f"scan.{key}.average_precision_false"]
        elif f"scan.{key}.average_precision_hidden" in flat:
            flat[f"scan.{key}.average_precision"] = flat[f"scan.{key}.average_precision_hidden"]
        if group.startswith("backdoor"):
            flat[f"scan.{key}.trigger_found"] = float(np.mean([r["scan.trigger"] for r in own]))
        if group.startswith("source"):
            flat[f"scan.{key}.source_named"] = float(np.mean([r["scan.named_source"] for r in own]))
    return flat


def recovered_frauds(own: Sequence[Result]) -> dict[str, Interval]:
    """Precision and recall of the frauds the scan is sure of among noisy fraud labels, pooled over seeds."""
    found, sure, left = (
        int(sum(int(r[f"scan.{k}"]) for r in own if f"scan.{k}" in r)) for k in ("recovered", "believed", "survivors")
    )
    return {"precision": share(found, sure), "recall": share(found, left)} if sure and left else {}


def backdoor_success(result: Result, y_true: np.ndarray, defence: str) -> Interval:
    """Share of the frauds that a model catches and that pass once the trigger is stamped on them; exact interval."""
    plain, threshold = scored(result, defence), float(result[f"{defence}.threshold"])
    stamped = scored({**result, f"{defence}.log_odds": result[f"{defence}.stamped"]}, defence)
    caught = (y_true == 1) & (plain.y_score >= threshold)
    return share(int(np.sum(caught & (stamped.y_score < threshold))), max(1, int(caught.sum())))


def summarise_study(
    effects: Effects, cells: Sequence[Cell], results: Sequence[Result], y_true: np.ndarray
) -> dict[str, Any]:
    """The summary figures, for the attacks and defences that the profile holds."""
    flat: dict[str, Any] = {}
    groups = by_group(cells, results)
    for group, by_defence in effects.replicates.items():
        if "policy" not in by_defence:
            continue
        key = group.replace(".", "_")
        if group == CLEAN:
            flat |= _on_clean(effects, groups[group])
            continue
        flat |= _against_clean(effects, group, key)
        flat[f"policy.{key}.cleaned"] = float(np.mean([r["policy.cleaned"] for r in groups[group]]))
        for name, value in recovered_frauds(groups[group]).items():
            flat[f"summary.{key}.recovered_frauds_{name}"] = value
        if group.startswith("backdoor"):
            for defence in by_defence:
                rates = [backdoor_success(r, y_true, defence) for r in groups[group]]
                flat[f"{group}.{defence}.success_rate"] = _mean_interval(rates)
            flat["summary.backdoor.success_rate"] = flat[f"{group}.policy.success_rate"]
    return flat


def _on_clean(effects: Effects, own: Sequence[Result]) -> dict[str, Any]:
    """What the selector costs on clean data: the loss itself, and in how many clean trainings it changed anything.

    Where it changes nothing the loss is zero by construction, so the interval is that of the share.
    """
    loss = -float(effects.point(CLEAN, "policy", "average_precision_change").mean())
    changed = int(sum(bool(result["policy.cleaned"]) for result in own))
    return {"summary.clean.harm": loss + 0.0, "summary.clean.changed": share(changed, len(own))}


def _against_clean(effects: Effects, group: str, key: str) -> dict[str, Any]:
    """Differences to the clean training and to no defence; ratios only where they have a bound.

    A recovery rate is reported where the loss without a defence lies beyond the null band with its whole interval.
    """
    change, ap = "average_precision_change", "average_precision"
    defended, undefended = (effects.by_seed(group, name, change) for name in ("policy", "none"))
    found: dict[str, Any] = {
        f"summary.{key}.average_precision_gap": _negative(effects.interval(group, "policy", change)),
        f"summary.{key}.given_back": mean_over_draws(list(defended - undefended), null_band=effects.band(ap)),
    }
    ratios = {
        "kept": _of_clean(effects, group, ap),
        "cost_ratio": _of_clean(effects, group, "expected_cost_eur"),
    }
    if effects.interval(group, "none", change).high < -effects.floor_of_mean[ap]:
        ratios["recovery_rate"] = fieller(defended - undefended, -undefended)
    return found | {f"summary.{key}.{name}": value for name, value in ratios.items() if value is not None}


def _of_clean(effects: Effects, group: str, metric: str) -> Interval | None:
    """A metric of the selector's model as a share of the clean-trained model's; None with one draw only."""
    own, clean = (effects.by_seed(group, "policy", name) for name in (metric, f"{metric}_clean"))
    return fieller(own, clean)


def _negative(found: Interval) -> Interval:
    return Interval(-found.value + 0.0, -found.high + 0.0, -found.low + 0.0)


def _mean_interval(rates: Sequence[Interval]) -> Interval:
    """Mean of shares over seeds; the ends are means of the exact ends, because all seeds share the same frauds."""
    return Interval(*(float(np.mean([getattr(r, end) for r in rates])) for end in ("value", "low", "high")))


def by_group(cells: Sequence[Cell], results: Sequence[Result], *, placebo: bool = False) -> dict[str, list[Result]]:
    """Results by attack and budget, in the order of the cells."""
    groups: dict[str, list[Result]] = {}
    for cell, result in zip(cells, results, strict=True):
        if placebo or cell.attack != PLACEBO:
            groups.setdefault(cell.group, []).append(result)
    return groups


def pockets_found(pocket: np.ndarray, survivors: np.ndarray, recovered: np.ndarray) -> list[tuple[int, float]]:
    """Of each pocket of frauds: how many survived with a fraud label, and the share of them that was recovered.

    Parameters
    ----------
    pocket
        Shape (n_samples,), number of the pocket of each fraud, −1 for other rows.
    survivors, recovered
        Rows, the second among the first.

    Examples
    --------
    >>> pockets_found(np.array([0, 0, 1, -1]), np.array([0, 1, 2]), np.array([0]))
    [(2, 0.5), (1, 0.0)]
    """
    found = []
    for number in range(int(pocket.max()) + 1):
        alive = int(np.sum(pocket[survivors] == number))
        if alive:
            found.append((alive, float(np.sum(pocket[recovered] == number) / alive)))
    return found


def fraud_pockets(features: np.ndarray, y_true: np.ndarray, *, n_pockets: int, seed: int) -> np.ndarray:
    """Deal the frauds to pockets by k-means on standardised features; −1 for rows that are no frauds.

    Examples
    --------
    >>> fraud_pockets(np.array([[0.0], [9.0], [0.1]]), np.array([1, 1, 0]), n_pockets=2, seed=0)[2]
    np.int64(-1)
    """
    from sklearn.cluster import KMeans

    frauds = np.flatnonzero(y_true == 1)
    place = features[frauds] / np.maximum(features.std(axis=0), 1e-9)
    pocket = np.full(len(y_true), -1, dtype=np.int64)
    pocket[frauds] = KMeans(min(n_pockets, len(frauds)), n_init=10, random_state=seed).fit_predict(place)
    return pocket


def pockets_by_rate(
    cells: Sequence[Cell], results: Sequence[Result], rows: TrainingRows, *, n_pockets: int, seed: int
) -> dict[float, list[tuple[int, float]]]:
    """`pockets_found` of the first draw of each symmetric flip, by flip rate."""
    pocket = fraud_pockets(rows.features, rows.y_true, n_pockets=n_pockets, seed=seed)
    found: dict[float, list[tuple[int, float]]] = {}
    for cell, result in zip(cells, results, strict=True):
        if cell.attack == "symmetric" and "scan.survivor_rows" in result:
            found.setdefault(
                cell.rate, pockets_found(pocket, result["scan.survivor_rows"], result["scan.recovered_rows"])
            )
    return found


def monitor_metrics(seen: Mapping[str, Detectability], *, n_canaries: int, n_frauds: int) -> dict[str, float]:
    """Probability that each attack is noticed without a model, and that canaries notice a tenth of hidden frauds."""
    flat = {"canaries.power_at_10_percent": canary_power(n_canaries, n_frauds, 0.1)}
    for name, value in seen.items():
        flat[f"{name}.detected_by_chart"] = value.prevalence_chart
        flat[f"{name}.detected_by_monitor"] = value.label_monitor
        flat[f"{name}.detected"] = value.either
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


def worst_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The attack of lowest average precision without a defence, under ``worst.``.

    Parameters
    ----------
    metrics
        Of `effect_metrics` and `monitor_metrics`.

    Examples
    --------
    >>> low, high = Interval(0.4, 0.3, 0.5), Interval(0.8, 0.7, 0.9)
    >>> flat = {f"{name}.{key}": value for name, found in (("a.5", low), ("b.5", high)) for key, value in {
    ...     "none.average_precision": found, "policy.average_precision": found, "none.verdict": "harm", "detected": 0.1,
    ... }.items()}
    >>> worst_metrics(flat)["worst.attack"]
    'a.5'
    """
    names = [key.removesuffix(".detected") for key in metrics if key.endswith(".detected")]
    worst = min(names, key=lambda name: metrics[f"{name}.none.average_precision"].value)
    shown = ("none.average_precision", "policy.average_precision", "none.verdict", "detected")
    return {"worst.attack": worst} | {f"worst.{key}": metrics[f"{worst}.{key}"] for key in shown}


def attack_table(effects: Effects, metrics: Mapping[str, Any], names: Iterable[str]) -> list[dict[str, Any]]:
    """What each attack changes, who would notice without a model, and what it costs without a defence, as rows."""
    return [
        {
            "attack and budget, %": name,
            "rows changed": round(metrics[f"{name}.labels_changed"]),
            "frauds hidden, euros": round(metrics[f"{name}.hidden_eur"]),
            "false among fraud labels": f"{metrics[f'{name}.false_fraud_share']:.0%}",
            "noticed by chart": f"{metrics[f'{name}.detected_by_chart']:.0%}",
            "noticed by monitor": f"{metrics[f'{name}.detected_by_monitor']:.0%}",
            "alarmed by the scan": _scan_alarms(metrics, name),
            "change of average precision": effects.interval(name, "none", "average_precision_change"),
            "verdict": metrics[f"{name}.none.verdict"],
        }
        for name in names
    ]


def _scan_alarms(metrics: Mapping[str, Any], group: str) -> str:
    alarmed = metrics.get(f"scan.{group.replace('.', '_')}.alarmed")
    return "not scanned" if alarmed is None else f"{alarmed:.0%}"
