"""Pareto front of expected cost against disparity: what parity costs.

Cruz and Hardt (2024), Unprocessing Seven Years of Algorithmic Fairness (ICLR): group thresholds on
the best unconstrained score contain the Pareto fronts of the other methods, so they are baseline
and ceiling here.

Methods are chosen on a half of the rows and evaluated on the other half, over repeated half-splits,
because a largest difference on one half is mostly the luck of that half. What is reported is the
mean over the half-splits. (To pool the evaluated rows of all folds would flatter: what thresholds
owe to the rows they were chosen on cancels out in the pool.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.fairness.mitigation.fairlearn_baselines import (
    fairlearn_reductions,
    fairlearn_thresholds,
)
from fraud_core.fairness.mitigation.group_thresholds import ScoredRows, choose_group_thresholds

Method = tuple[str, float | None, np.ndarray]


@dataclass(frozen=True)
class EvaluatedMethod:
    """A mitigation method, evaluated on rows that it was not
    chosen on; all metrics are means over the half-splits.

    Attributes
    ----------
    equalized_odds
        Largest difference between groups of recall or of false-positive rate.
    residual_disparity_ratio
        The difference over the first method's, paired over resampled rows.
    cost_ratio
        Cost over the first method's cost, paired over resampled rows.
    halved
        Share of the half-splits in which at most half of the first method's difference is left.
    """

    method: str
    tolerance: float | None
    equalized_odds: Estimate
    residual_disparity_ratio: Estimate
    cost_ratio: Estimate
    halved: float
    alert_share: float


def draw_weights(n_rows: int, n_replicates: int, rng: np.random.Generator) -> np.ndarray:
    """How often each row counts: once, then as in resamples
    with replacement, shape (1 + n_replicates, n_rows).

    Examples
    --------
    >>> draw_weights(3, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [3.0, 3.0, 3.0]
    """
    drawn = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=n_replicates)
    return np.vstack([np.ones(n_rows), drawn]).astype(np.float32)


@dataclass(frozen=True)
class _Evaluation:
    """Of each method on each resample of one evaluated half, shape
    (n_methods, 1 + n_replicates); share alerted, (n_methods,).
    """

    equalized_odds: np.ndarray
    cost: np.ndarray
    alert_share: np.ndarray


def _evaluate(
    rows: ScoredRows, methods: Sequence[Method], weight: np.ndarray, miss_cost: float
) -> _Evaluation:
    cells = [(rows.group == g) & (rows.y_true == y) for y in (1, 0) for g in np.unique(rows.group)]
    members = np.column_stack(cells).astype(np.float32)
    counts, half = np.maximum(weight @ members, 1), len(cells) // 2
    odds, cost = [], []
    for _, _, probability in methods:
        rates = weight @ (members * probability[:, None].astype(np.float32)) / counts
        odds.append(np.maximum(np.ptp(rates[:, :half], axis=1), np.ptp(rates[:, half:], axis=1)))
        cost.append(weight @ (miss_cost * rows.y_true * (1 - probability) + probability))
    return _Evaluation(
        np.array(odds),
        np.array(cost),
        np.array([probability.mean() for *_, probability in methods]),
    )


def evaluate_methods(
    half_splits: Sequence[tuple[ScoredRows, Sequence[Method], np.ndarray]], *, miss_cost: float
) -> list[EvaluatedMethod]:
    """Disparity and cost of each method, paired over resampled
    rows; the first method is what the others are compared with.

    Parameters
    ----------
    half_splits
        Evaluated rows, the methods (name, tolerance, and probability of an alert for each row; the
        same in each half-split), and how often each row counts in each resample, as `draw_weights`
        gives it.
    miss_cost
        Cost of a missed positive, in reviews.
    """
    evaluated = [_evaluate(*half_split, miss_cost) for half_split in half_splits]
    odds = np.mean([half.equalized_odds for half in evaluated], axis=0)
    cost = np.sum([half.cost for half in evaluated], axis=0)
    alerted = np.mean([half.alert_share for half in evaluated], axis=0)
    first = np.maximum(odds[0], np.finfo(float).tiny)
    halved = np.mean(
        [half.equalized_odds[:, 0] <= half.equalized_odds[0, 0] / 2 for half in evaluated], axis=0
    )
    return [
        EvaluatedMethod(
            method,
            tolerance,
            largest_disparity(odds[k]),
            largest_disparity(odds[k] / first),
            interval(cost[k] / cost[0]),
            float(halved[k]),
            float(alerted[k]),
        )
        for k, (method, tolerance, _) in enumerate(half_splits[0][1])
    ]


def largest_disparity(replicates: np.ndarray) -> Estimate:
    """The interval of a largest difference, whose replicates
    lie too high by what chance adds to a maximum.

    Parameters
    ----------
    replicates
        The value first. They are moved by the bootstrap's own estimate of its bias, and end at 0.

    References
    ----------
    B. Efron and R. Tibshirani (1993), An Introduction to the Bootstrap, chapter 10.

    Examples
    --------
    >>> largest_disparity(np.array([0.1, 0.2, 0.2, 0.2])).ci_high
    0.1
    """
    value = float(replicates[0])
    low, high = np.quantile(replicates[1:] - (replicates[1:].mean() - value), [0.025, 0.975])
    return Estimate(value, max(0.0, min(float(low), value)), max(float(high), value))


def build_pareto_front(
    rows: ScoredRows,
    settings: Mapping[str, Any],
    *,
    selection_rate: float,
    n_replicates: int,
    seed: int,
) -> list[EvaluatedMethod]:
    """The champion, group thresholds with and without the alert budget, and Fairlearn's methods.

    Parameters
    ----------
    rows
        Split into halves at random: methods are chosen on one half and evaluated on the other.
    settings
        ``miss_cost``, ``tolerances``, ``n_splits`` half-splits, ``n_iterations`` (0 leaves
        ExponentiatedGradient out).

    Returns
    -------
    list of EvaluatedMethod
        The champion first. ExponentiatedGradient takes minutes for each half, so it is evaluated
        on the first one only, and compared with the champion there.
    """
    # a stream of its own: the folds were drawn from the seed alone, and a half must not follow them
    rng = np.random.default_rng([seed, 1])
    weight = draw_weights(len(rows.y_true), n_replicates, rng)
    half_splits = []
    for number in range(settings["n_splits"]):
        half = rng.random(len(rows.y_true)) < 0.5
        chosen, held_out = rows.at(half), rows.at(~half)
        methods = _methods(
            chosen, held_out, settings, selection_rate=selection_rate, seed=seed + number
        )
        if number == 0:
            first = (
                held_out,
                [methods[0], *_reductions(chosen, held_out, settings, seed=seed)],
                weight[:, ~half],
            )
        half_splits.append((held_out, methods, weight[:, ~half]))
    front = evaluate_methods(half_splits, miss_cost=settings["miss_cost"])
    return front + evaluate_methods([first], miss_cost=settings["miss_cost"])[1:]


def _methods(
    chosen: ScoredRows,
    held_out: ScoredRows,
    settings: Mapping[str, Any],
    *,
    selection_rate: float,
    seed: int,
) -> list[Method]:
    """Every method that takes seconds, chosen on one half, on the other half."""
    champion = (held_out.log_odds >= np.quantile(chosen.log_odds, 1 - selection_rate)).astype(float)
    methods: list[Method] = [("champion", None, champion)]
    for name, budget in (
        ("group thresholds within the budget", selection_rate),
        ("group thresholds", None),
    ):
        for tolerance in settings["tolerances"]:
            thresholds = choose_group_thresholds(
                chosen, miss_cost=settings["miss_cost"], tolerance=tolerance, budget=budget
            )
            methods.append((name, tolerance, thresholds.alert_probability(held_out)))
    methods.append(
        ("Fairlearn ThresholdOptimizer", 0.0, fairlearn_thresholds(chosen, held_out, seed=seed))
    )
    return methods


def _reductions(
    chosen: ScoredRows, held_out: ScoredRows, settings: Mapping[str, Any], *, seed: int
) -> list[Method]:
    if not settings["n_iterations"]:
        return []
    tolerance = settings["tolerances"][0]
    answer = fairlearn_reductions(
        chosen,
        held_out,
        miss_cost=settings["miss_cost"],
        tolerance=tolerance,
        n_iterations=settings["n_iterations"],
        seed=seed,
    )
    return [("Fairlearn ExponentiatedGradient, one half", tolerance, answer)]
