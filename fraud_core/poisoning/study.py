"""The poisoning study: one cell is one training on poisoned labels, scored on the clean, sealed holdout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.model.champion import TrainingRows, train
from fraud_core.model.intervals import Interval, Scored, bootstrap
from fraud_core.poisoning.attacks import flip_labels

CLEAN, PLACEBO = "clean", "placebo"
PLACEBO_LEFT_OUT = 0.1


@dataclass(frozen=True)
class Cell:
    """One training: an attack, ``clean`` or ``placebo``, its rate, the seed of the draw and the seed of the fit."""

    attack: str
    rate: float
    attack_seed: int
    fit_seed: int

    @property
    def name(self) -> str:
        """Stable name, such as ``legit_to_fraud.8.seed1``; a budget in whole percent where it is whole."""
        if self.attack in (CLEAN, PLACEBO):
            return f"{self.attack}.seed{self.attack_seed}"
        return f"{budget_name(self.attack, self.rate)}.seed{self.attack_seed}"


def budget_name(attack: str, rate: float) -> str:
    """Name of an attack at a budget, such as ``legit_to_fraud.8``: percent of the attacked class.

    Examples
    --------
    >>> budget_name("fraud_to_legit", 0.5), budget_name("symmetric", 0.005)
    ('fraud_to_legit.50', 'symmetric.0_5')
    """
    return f"{attack}.{format(rate * 100, 'g').replace('.', '_')}"


def grid(attacks: Sequence[str], rates: Sequence[float], *, n_seeds: int, n_placebo: int, seed: int) -> list[Cell]:
    """The cells of a study: the clean reference, the placebo, then attack by rate by seed.

    A placebo training is clean too: it has another seed and leaves out a random tenth of the rows of each class, so it
    shows how far the result moves when nobody attacks.

    Examples
    --------
    >>> [cell.name for cell in grid(["fraud_to_legit"], [0.1], n_seeds=1, n_placebo=1, seed=7)]
    ['clean.seed7', 'placebo.seed8', 'fraud_to_legit.10.seed7']
    """
    clean = [Cell(CLEAN, 0.0, seed, seed)]
    clean += [Cell(PLACEBO, 0.0, seed + k, seed + k) for k in range(1, n_placebo + 1)]
    attacked = [Cell(attack, rate, seed + k, seed) for attack in attacks for rate in rates for k in range(n_seeds)]
    return clean + attacked


def run_cell(cell: Cell, rows: TrainingRows, holdout_features: np.ndarray, settings: Mapping[str, Any]) -> dict:
    """Poison the labels of v0, train, and score the holdout.

    Parameters
    ----------
    cell
        What to do.
    rows
        v0 with true labels; the attack reaches the validation hours too, as it would in life.
    holdout_features
        Features of v1; its labels are not here at all.
    settings
        Keys ``model`` and ``decision``, the shared sections of params.yaml.

    Returns
    -------
    dict
        ``y_score`` (n_holdout,), ``threshold``, ``n_changed`` and ``false_fraud_share``.
    """
    rng = np.random.default_rng(cell.attack_seed)
    seen, n_changed, false_share = rows, 0, 0.0
    if cell.attack == PLACEBO:
        seen = _leave_out(rows, PLACEBO_LEFT_OUT, rng)
    elif cell.attack != CLEAN:
        poisoned = flip_labels(rows.y_true, cell.attack, cell.rate, rng=rng)
        seen = replace(rows, y_true=poisoned.y)
        n_changed, false_share = len(poisoned.changed), poisoned.false_fraud_share
    model = train(
        "catboost", seen, settings=settings["model"]["catboost"], seed=cell.fit_seed, n_threads=1,
        **settings["decision"],
    )  # fmt: skip
    scored = model.scored(holdout_features)
    return {
        "y_score": scored.y_score,
        "threshold": np.array(scored.threshold),
        "n_changed": np.array(n_changed),
        "false_fraud_share": np.array(false_share),
    }


def _leave_out(rows: TrainingRows, share: float, rng: np.random.Generator) -> TrainingRows:
    """The rows without a random share of each class, in their order."""
    stay = np.ones(len(rows.y_true), dtype=bool)
    for label in (0, 1):
        members = np.flatnonzero(rows.y_true == label)
        stay[rng.choice(members, round(share * len(members)), replace=False)] = False
    return TrainingRows(rows.features[stay], rows.y_true[stay], rows.amount_eur[stay], rows.validation[stay])


EFFECT_METRICS = ("average_precision", "recall_at_budget", "expected_cost_eur", "brier_score", "calibration_error")
CHANGES = ("average_precision", "expected_cost_eur")


@dataclass(frozen=True)
class Effect:
    """What an attack at a budget does without a defence, over all its seeds.

    Attributes
    ----------
    metrics
        Interval of each metric of `EFFECT_METRICS`, and ``<metric>_change`` for those of `CHANGES`: against the clean
        training, paired on the same resamples. Values are means over the seeds.
    labels_changed, false_fraud_share
        Mean over seeds.
    """

    metrics: dict[str, Interval]
    labels_changed: int
    false_fraud_share: float


def measure_effects(
    cells: Sequence[Cell],
    results: Sequence[Mapping[str, np.ndarray]],
    holdout: Arrays,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    seed: int,
) -> tuple[dict[str, Effect], dict[str, float]]:
    """Score every cell on the clean labels of the holdout, paired with the clean training.

    Parameters
    ----------
    cells, results
        As from `grid` and `run_cell`; the first cell is the clean reference.
    holdout
        v1 with its true labels.
    decision
        Keys ``alert_budget`` and ``review_cost_eur``.
    n_replicates, seed
        Of the bootstrap; every cell sees the same resamples of frauds and of rows as its clean pair.

    Returns
    -------
    effects, floor
        Effects by `budget_name` (and ``clean``), and the noise floor of each metric of `CHANGES` (see `noise_floor`).
    """
    replicates: dict[str, list[dict[str, np.ndarray]]] = {}
    for number, (cell, result) in enumerate(zip(cells, results, strict=True)):
        found = bootstrap(
            holdout.y_true, {"clean": _scored(results[0]), "cell": _scored(result)}, holdout.amount_eur,
            n_alerts=round(decision["alert_budget"] * len(holdout.y_true)),
            review_cost_eur=decision["review_cost_eur"], n_replicates=n_replicates,
            rng=np.random.default_rng([seed, number]),
        )  # fmt: skip
        changes = {f"{metric}_change": found["cell"][metric] - found["clean"][metric] for metric in CHANGES}
        kept = {metric: found["cell"][metric] for metric in EFFECT_METRICS}
        replicates.setdefault(_group(cell), []).append(kept | changes)
    placebo = replicates.pop(PLACEBO, [])
    floor = {metric: noise_floor([float(part[f"{metric}_change"][0]) for part in placebo]) for metric in CHANGES}
    return _effects(cells, results, replicates), floor


def _effects(cells, results, replicates: Mapping[str, list[dict[str, np.ndarray]]]) -> dict[str, Effect]:
    effects = {}
    for name, parts in replicates.items():
        own = [result for cell, result in zip(cells, results, strict=True) if _group(cell) == name]
        same_attack = [other for key, other in replicates.items() if key.split(".")[0] == name.split(".")[0]]
        effects[name] = Effect(
            metrics={
                metric: _interval_over_seeds(
                    [part[metric] for part in parts], [[p[metric][0] for p in other] for other in same_attack]
                )
                for metric in parts[0]
            },
            labels_changed=round(np.mean([result["n_changed"] for result in own])),
            false_fraud_share=float(np.mean([result["false_fraud_share"] for result in own])),
        )
    return effects


def noise_floor(changes: Sequence[float]) -> float:
    """How far one training without an attack may lie from another: half the 95% prediction interval of a new change.

    Parameters
    ----------
    changes
        Change of a metric in each placebo training; their mean need not be 0.

    Returns
    -------
    float
        t₀.₉₇₅ · s · √(1 + 1/n) + |mean|; infinite with fewer than two placebo trainings, so that nothing is claimed.

    Examples
    --------
    >>> round(noise_floor([-0.01, 0.01]), 3)
    0.22
    >>> noise_floor([0.01])
    inf
    """
    from scipy.stats import t

    n = len(changes)
    if n < 2:
        return float("inf")
    return float(t.ppf(0.975, n - 1) * np.std(changes, ddof=1) * np.sqrt(1 + 1 / n) + abs(np.mean(changes)))


def _interval_over_seeds(parts: Sequence[np.ndarray], same_attack: Sequence[Sequence[float]]) -> Interval:
    """Mean of the point values; the interval joins the sampling of v1 and the draw of the attack.

    The spread between draws is pooled over the budgets of the same attack, because there are few seeds. The two parts
    are added in quadrature.
    """
    from scipy.stats import t

    value = float(np.mean([part[0] for part in parts]))
    low, high = np.quantile(np.concatenate([part[1:] - part[0] for part in parts]), [0.025, 0.975])
    freedom = sum(len(points) - 1 for points in same_attack)
    draw = 0.0
    if freedom:
        variance = (
            sum((len(points) - 1) * np.var(points, ddof=1) for points in same_attack if len(points) > 1) / freedom
        )
        draw = float(t.ppf(0.975, freedom) * np.sqrt(variance / len(parts)))
    return Interval(value, value - float(np.hypot(low, draw)), value + float(np.hypot(high, draw)))


def _group(cell: Cell) -> str:
    return cell.attack if cell.attack in (CLEAN, PLACEBO) else budget_name(cell.attack, cell.rate)


def _scored(result: Mapping[str, np.ndarray]) -> Scored:
    return Scored(result["y_score"], float(result["threshold"]))


def verdict(change: Interval, *, floor: float, limit: float) -> str:
    """An effect in words: ``harm``, ``gain``, ``none`` or ``insufficient evidence``.

    Parameters
    ----------
    change
        Change of average precision with its interval.
    floor
        Noise floor: the luck of a training without an attack.
    limit
        Largest change that does not matter in practice.

    Notes
    -----
    Harm and gain need an interval that excludes zero even when widened by the floor; none needs the whole interval
    within the limit. Everything else is insufficient evidence: a small value alone shows nothing.

    Examples
    --------
    >>> verdict(Interval(-0.2, -0.3, -0.1), floor=0.02, limit=0.05)
    'harm'
    >>> verdict(Interval(-0.01, -0.2, 0.1), floor=0.02, limit=0.05)
    'insufficient evidence'
    """
    if Interval(change.value, change.low - floor, change.high + floor).excludes(0.0):
        return "harm" if change.value < 0 else "gain"
    return "none" if -limit < change.low and change.high < limit else "insufficient evidence"


def effect_metrics(effects: Mapping[str, Effect], floor: Mapping[str, float], *, limit: float) -> dict[str, Any]:
    """The study's figures under ``<attack>.<budget>.none.<metric>``, ready for metrics.json."""
    flat: dict[str, Any] = {f"placebo.{metric}_floor": value for metric, value in floor.items() if np.isfinite(value)}
    for name, effect in effects.items():
        flat |= {f"{name}.none.{metric}": value for metric, value in effect.metrics.items()}
        if name != CLEAN:
            flat[f"{name}.none.verdict"] = verdict(
                effect.metrics["average_precision_change"], floor=floor["average_precision"], limit=limit
            )
            flat[f"{name}.labels_changed"] = effect.labels_changed
            flat[f"{name}.false_fraud_share"] = effect.false_fraud_share
    return flat
