"""What each attack costs under each defence, on the clean labels of the holdout, with intervals and the placebo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Interval, Scored, bootstrap
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.poisoning.study.cells import CLEAN, PLACEBO, Cell
from fraud_core.poisoning.study.inference import mean_over_draws

EFFECT_METRICS = ("average_precision", "recall_at_budget", "expected_cost_eur", "brier_score", "calibration_error")
CHANGES = ("average_precision", "expected_cost_eur")
Result = Mapping[str, np.ndarray]
# The words of `verdict`, and what they say of the question whether the model came through unharmed.
WORDS = {
    "harm": Verdict.FAIL,
    "gain": Verdict.PASS,
    "none": Verdict.PASS,
    "insufficient evidence": Verdict.INSUFFICIENT,
}


@dataclass(frozen=True)
class Effects:
    """Replicates of every metric, by attack and budget, then defence, then one array for each seed.

    Attributes
    ----------
    replicates
        ``replicates[group][defence][seed][metric]`` has shape (1 + n_replicates,), entry 0 the value on v1 itself;
        metrics are those of `EFFECT_METRICS` and, for `CHANGES`, ``<metric>_change`` against the clean training and
        ``<metric>_clean`` of it, on the same resamples. Resamples are shared between seeds and defences in law only.
    floor, floor_of_mean
        `noise_floor` of each metric of `CHANGES`, for one training, and for the mean of as many as an attack has draws.
    """

    replicates: dict[str, dict[str, list[dict[str, np.ndarray]]]]
    floor: dict[str, float]
    floor_of_mean: dict[str, float]

    def interval(self, group: str, defence: str, metric: str) -> Interval:
        """Mean over the draws of a metric with its interval, by the draws of this attack at this rate only.

        Where there is one draw only, the null band of one training stands for the spread over draws.
        """
        parts = [part[metric] for part in self.replicates[group][defence]]
        return mean_over_draws(parts, null_band=0.0 if group == CLEAN else self.band(metric.removesuffix("_change")))

    def band(self, metric: str) -> float:
        """Null band of one training for a metric, half width; 0 where no placebo says."""
        floor = self.floor.get(metric, 0.0)
        return floor if np.isfinite(floor) else 0.0

    def point(self, group: str, defence: str, metric: str = "average_precision") -> np.ndarray:
        """Value of a metric for each seed, shape (n_seeds,)."""
        return np.array([part[metric][0] for part in self.replicates[group][defence]])

    def by_seed(self, group: str, defence: str, metric: str) -> np.ndarray:
        """Replicates of a metric, shape (n_seeds, 1 + n_replicates).

        What ``none`` and ``policy`` hold, and what both hold of the clean model, is paired by position: one bootstrap.
        """
        return np.array([part[metric] for part in self.replicates[group][defence]])


def scored(result: Result, defence: str) -> Scored:
    """Scores and threshold of a defence's model on the holdout."""
    log_odds = np.clip(result[f"{defence}.log_odds"].astype(np.float64), -700, 700)
    return Scored(1.0 / (1.0 + np.exp(-log_odds)), float(result[f"{defence}.threshold"]))


def defences_of(result: Result) -> list[str]:
    """Defences that a cell's result holds, in order."""
    return [key.removesuffix(".log_odds") for key in result if key.endswith(".log_odds")]


def measure_effects(
    cells: Sequence[Cell],
    results: Sequence[Result],
    holdout: Transactions,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    seed: int,
) -> Effects:
    """Score every cell on the clean labels of the holdout, paired with the clean training of its seed.

    A placebo training is paired with a clean one of another seed.

    Parameters
    ----------
    cells, results
        As from `grid` and `run_cell`.
    holdout
        v1 with its true labels.
    decision
        Keys ``alert_budget`` and ``review_cost_eur``.
    n_replicates, seed
        Of the bootstrap; a model and its clean pair see the same resamples.
    """
    clean = {c.fit_seed: scored(r, "none") for c, r in zip(cells, results, strict=True) if c.attack == CLEAN}
    found: dict[str, dict[str, list[dict[str, np.ndarray]]]] = {}
    for number, (cell, result) in enumerate(zip(cells, results, strict=True)):
        pair = _another(clean, cell.fit_seed) if cell.attack == PLACEBO else clean[cell.fit_seed]
        together = [name for name in ("none", "policy") if f"{name}.log_odds" in result]
        twins = {name: _twin(result, name, together) for name in defences_of(result) if name not in together}
        alone = [name for name, twin in twins.items() if twin is None]
        for models in (together, *([name] for name in alone)):
            replicates = bootstrap(
                holdout.y_observed, {CLEAN: pair} | {name: scored(result, name) for name in models}, holdout.amount_eur,
                n_alerts=round(decision["alert_budget"] * len(holdout.y_observed)),
                review_cost_eur=decision["review_cost_eur"],
                n_replicates=0 if cell.attack == PLACEBO else n_replicates,  # the floor is made of point values
                rng=np.random.default_rng([seed, number]),
            )  # fmt: skip
            for name in models:
                found.setdefault(cell.group, {}).setdefault(name, []).append(
                    _with_changes(replicates[name], replicates[CLEAN])
                )
        for name, twin in twins.items():
            if twin is not None:
                found[cell.group].setdefault(name, []).append(found[cell.group][twin][-1])
    placebo = found.pop(PLACEBO, {}).get("none", [])
    changes = {metric: [float(part[f"{metric}_change"][0]) for part in placebo] for metric in CHANGES}
    floors = [{metric: noise_floor(own, n) for metric, own in changes.items()} for n in (1, len(clean))]
    return Effects(found, *floors)


def _twin(result: Result, name: str, among: Sequence[str]) -> str | None:
    """The first of some defences that left the same model as this one, so that no model is resampled twice."""
    parts = ("log_odds", "threshold")
    same = (twin for twin in among if all(np.array_equal(result[f"{twin}.{p}"], result[f"{name}.{p}"]) for p in parts))
    return next(same, None)


def _another(clean: Mapping[int, Scored], seed: int) -> Scored:
    """A clean training of another seed, in turn; the only one where there is one alone."""
    seeds = sorted(clean)
    turn = seed % len(seeds)
    return clean[seeds[turn] if seeds[turn] != seed else seeds[turn - 1]]


def _with_changes(own: Result, clean: Result) -> dict[str, np.ndarray]:
    kept = {metric: own[metric] for metric in EFFECT_METRICS}
    for metric in CHANGES:
        kept[f"{metric}_change"] = own[metric] - clean[metric]
        kept[f"{metric}_clean"] = clean[metric]
    return kept


def noise_floor(changes: Sequence[float], n_trainings: int = 1) -> float:
    """How far trainings without an attack may lie from others: half the 95% prediction interval of their mean change.

    Parameters
    ----------
    changes
        Change of a metric in each placebo training; their mean need not be 0.
    n_trainings
        How many new changes are averaged.

    Returns
    -------
    float
        t₀.₉₇₅ · s · √(1/n_trainings + 1/n) + |mean|; infinite with fewer than two placebo trainings, so that nothing is
        claimed.

    Examples
    --------
    >>> round(noise_floor([-0.01, 0.01]), 3), round(noise_floor([-0.01, 0.01], 4), 3)
    (0.22, 0.156)
    >>> noise_floor([0.01])
    inf
    """
    from scipy.stats import t

    n = len(changes)
    if n < 2:
        return float("inf")
    spread = float(t.ppf(0.975, n - 1) * np.std(changes, ddof=1))
    return spread * float(np.sqrt(1 / n_trainings + 1 / n)) + abs(float(np.mean(changes)))


def mean_over_seeds(values: Sequence[float]) -> Interval:
    """Mean of one figure over seeds with its t interval, cut to [0, 1]; without spread to tell, the whole of [0, 1].

    Examples
    --------
    >>> mean_over_seeds([0.9, 0.9])
    Interval(value=0.9, low=0.9, high=0.9)
    """
    from scipy.stats import t

    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, 0.0, 1.0)
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half))


def verdict(change: Interval, *, limit: float) -> str:
    """An effect in words: ``harm``, ``gain``, ``none`` or ``insufficient evidence``.

    Parameters
    ----------
    change
        Change of average precision with its interval, which holds the rows, the draw and the fit.
    limit
        Largest change that does not matter in practice.

    Notes
    -----
    Harm and gain need an interval that excludes zero; none needs the whole interval within the limit. Everything else
    is insufficient evidence: a small value by itself shows nothing. The null band is in the interval already.

    Examples
    --------
    >>> verdict(Interval(-0.2, -0.3, -0.1), limit=0.05)
    'harm'
    >>> verdict(Interval(-0.01, -0.2, 0.1), limit=0.05)
    'insufficient evidence'
    """
    if change.excludes(0.0):
        return "harm" if change.value < 0 else "gain"
    return "none" if -limit < change.low and change.high < limit else "insufficient evidence"
