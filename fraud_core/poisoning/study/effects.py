"""Effects of each attack under each defence, on the clean
labels of the holdout, with intervals and the null run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate, ModelScores, bootstrap
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.study.bench import NONE
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.inference import mean_over_draws
from fraud_core.poisoning.study.run_results import DefendedRun, RunResult

EFFECT_METRICS = (
    "average_precision",
    "recall_at_budget",
    "expected_cost_eur",
    "brier_score",
    "calibration_error",
)
# Metrics that are held against the clean training too: their change by the metric, and the metric
# by its change.
CHANGES = {
    "average_precision": "average_precision_change",
    "expected_cost_eur": "expected_cost_eur_change",
}
CHANGED = {change: metric for metric, change in CHANGES.items()}
Replicates = dict[str, np.ndarray]
# The words of `verdict`, and what they say of the question whether the model came through unharmed.
WORDS = {
    "harm": Verdict.FAIL,
    "gain": Verdict.PASS,
    "none": Verdict.PASS,
    "insufficient evidence": Verdict.INSUFFICIENT,
}


@dataclass(frozen=True)
class Effect:
    """Replicates of every metric of one model, and of the clean one that it is paired with.

    Attributes
    ----------
    own
        By metric of `EFFECT_METRICS`, shape (1 + n_replicates,), entry 0 the value on v1 itself.
    clean
        By metric of `CHANGES`, of the clean training, on the same resamples.
    """

    own: Replicates
    clean: Replicates

    def of(self, metric: str) -> np.ndarray:
        """Replicates of a metric of `EFFECT_METRICS`, or of
        its change against the clean training (`CHANGED`).
        """
        if metric in CHANGED:
            return self.own[CHANGED[metric]] - self.clean[CHANGED[metric]]
        return self.own[metric]


@dataclass(frozen=True)
class Effects:
    """Effects by condition, then defence, then one for each seed.

    Attributes
    ----------
    replicates
        ``replicates[condition][defence]`` holds an `Effect` for each seed. Resamples are shared
        between seeds and defences in law only.
    null_band, null_band_of_mean
        `null_band_of` of each metric of `CHANGES`, for one training, and for the mean of as many as
        an attack has draws.
    """

    replicates: Mapping[Condition, Mapping[str, Sequence[Effect]]]
    null_band: Mapping[str, float]
    null_band_of_mean: Mapping[str, float]

    def interval(self, condition: Condition, defence: str, metric: str) -> Estimate:
        """Mean over the draws of a metric with its interval,
        by the draws of this attack at this rate only.

        Where there is one draw only, the null band of one training stands for the spread over
        draws.
        """
        band = 0.0 if condition == CLEAN else self.band(CHANGED.get(metric, metric))
        return mean_over_draws(list(self.by_seed(condition, defence, metric)), null_band=band)

    def band(self, metric: str) -> float:
        """Null band of one training for a metric, half width; 0 where no null run says."""
        band = self.null_band.get(metric, 0.0)
        return band if np.isfinite(band) else 0.0

    def point(
        self, condition: Condition, defence: str, metric: str = "average_precision"
    ) -> np.ndarray:
        """Value of a metric for each seed, shape (n_seeds,)."""
        return np.array([effect.of(metric)[0] for effect in self.replicates[condition][defence]])

    def by_seed(self, condition: Condition, defence: str, metric: str) -> np.ndarray:
        """Replicates of a metric, shape (n_seeds, 1 + n_replicates).

        What ``none`` and ``policy`` hold, and what both hold of the clean model, is paired by
        position: one bootstrap.
        """
        return np.array([effect.of(metric) for effect in self.replicates[condition][defence]])

    def clean_by_seed(self, condition: Condition, defence: str, metric: str) -> np.ndarray:
        """The same of the clean trainings that the seeds are paired with; a metric of `CHANGES`."""
        return np.array([effect.clean[metric] for effect in self.replicates[condition][defence]])


def measure_effects(
    cells: Sequence[Cell],
    results: Sequence[RunResult],
    holdout: Transactions,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    seed: int,
) -> Effects:
    """Score every cell on the clean labels of the
    holdout, paired with the clean training of its seed.

    A null run training is paired with a clean one of another seed.

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
    runs = list(zip(cells, results, strict=True))
    clean = {
        cell.fit_seed: result.defences[NONE].scored
        for cell, result in runs
        if cell.condition == CLEAN
    }
    measured: dict[Condition, dict[str, list[Effect]]] = {}
    for number, (cell, result) in enumerate(runs):
        null_run = cell.condition == NULL_RUN
        against = _Pairing(
            _another(clean, cell.fit_seed) if null_run else clean[cell.fit_seed],
            holdout,
            decision,
            0 if null_run else n_replicates,  # the null band is made of point values
            (seed, number),
        )
        for name, effect in _cell_effects(result, against).items():
            measured.setdefault(cell.condition, {}).setdefault(name, []).append(effect)
    bands = _null_bands(measured.pop(NULL_RUN, {}).get(NONE, []), len(clean))
    return Effects(measured, *bands)


@dataclass(frozen=True)
class _Pairing:
    """What every model of a cell is resampled with:
    the clean training of its seed, on the same rows.
    """

    clean: ModelScores
    holdout: Transactions
    decision: Mapping[str, float]
    n_replicates: int
    seed: tuple[int, int]

    def effects(self, models: Mapping[str, DefendedRun]) -> dict[str, Effect]:
        replicates = bootstrap(
            self.holdout.y_observed,
            {CLEAN.key: self.clean} | {name: run.scored for name, run in models.items()},
            self.holdout.amount_eur,
            n_alerts=round(self.decision["alert_budget"] * len(self.holdout)),
            review_cost_eur=self.decision["review_cost_eur"],
            n_replicates=self.n_replicates,
            rng=np.random.default_rng(list(self.seed)),
        )
        clean = {metric: replicates[CLEAN.key][metric] for metric in CHANGES}
        return {
            name: Effect({m: replicates[name][m] for m in EFFECT_METRICS}, clean) for name in models
        }


def _cell_effects(result: RunResult, against: _Pairing) -> dict[str, Effect]:
    """By defence: ``none`` and the selector in one bootstrap,
    so that they are paired, every other model in its own.

    A defence that left the model of one of these two shares its resamples, so that no model is
    resampled twice.
    """
    together = {name: result.defences[name] for name in (NONE, SELECTOR) if name in result.defences}
    effects = against.effects(together)
    for name, run in result.defences.items():
        if name not in together:
            twin = next((other for other, model in together.items() if model.same_model(run)), None)
            effects[name] = effects[twin] if twin else against.effects({name: run})[name]
    return effects


def _null_bands(
    null_run: Sequence[Effect], n_draws: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Null bands of one training, and of the mean of as many as an attack has draws."""
    changes = {
        metric: [float(effect.of(change)[0]) for effect in null_run]
        for metric, change in CHANGES.items()
    }
    one, mean = (
        {metric: null_band_of(own, n) for metric, own in changes.items()} for n in (1, n_draws)
    )
    return one, mean


def _another(clean: Mapping[int, ModelScores], seed: int) -> ModelScores:
    """A clean training of another seed, in turn; the only one where there is one alone."""
    seeds = sorted(clean)
    turn = seed % len(seeds)
    return clean[seeds[turn] if seeds[turn] != seed else seeds[turn - 1]]


def null_band_of(changes: Sequence[float], n_trainings: int = 1) -> float:
    """How far trainings without an attack may lie from others:
    half the 95% prediction interval of their mean change.

    Parameters
    ----------
    changes
        Change of a metric in each null run training; their mean need not be 0.
    n_trainings
        How many new changes are averaged.

    Returns
    -------
    float
        t₀.₉₇₅ · s · √(1/n_trainings + 1/n) + |mean|; infinite with fewer than two null run
        trainings, so that nothing is claimed.

    Examples
    --------
    >>> round(null_band_of([-0.01, 0.01]), 3), round(null_band_of([-0.01, 0.01], 4), 3)
    (0.22, 0.156)
    >>> null_band_of([0.01])
    inf
    """
    from scipy.stats import t

    n = len(changes)
    if n < 2:
        return float("inf")
    spread = float(t.ppf(0.975, n - 1) * np.std(changes, ddof=1))
    return spread * float(np.sqrt(1 / n_trainings + 1 / n)) + abs(float(np.mean(changes)))


def mean_over_seeds(values: Sequence[float]) -> Estimate:
    """Mean of one figure over seeds with its t interval, cut
    to [0, 1]; without spread to tell, the whole of [0, 1].

    Examples
    --------
    >>> mean_over_seeds([0.9, 0.9])
    Estimate(value=0.9, ci_low=0.9, ci_high=0.9)
    """
    from scipy.stats import t

    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Estimate(mean, 0.0, 1.0)
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half))


def verdict(change: Estimate, *, limit: float) -> str:
    """An effect in words: ``harm``, ``gain``, ``none`` or ``insufficient evidence``.

    Parameters
    ----------
    change
        Change of average precision with its interval, which holds the rows, the draw and the fit.
    limit
        Largest change that does not matter in practice.

    Notes
    -----
    Harm and gain need an interval that excludes zero; none needs the whole interval within the
    limit. Everything else is insufficient evidence: a small value by itself shows nothing. The null
    band is in the interval already.

    Examples
    --------
    >>> verdict(Estimate(-0.2, -0.3, -0.1), limit=0.05)
    'harm'
    >>> verdict(Estimate(-0.01, -0.2, 0.1), limit=0.05)
    'insufficient evidence'
    """
    if change.excludes(0.0):
        return "harm" if change.value < 0 else "gain"
    return "none" if -limit < change.ci_low and change.ci_high < limit else "insufficient evidence"
