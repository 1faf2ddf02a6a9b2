"""What equal treatment costs: the front of expected cost against disparity.

Cruz and Hardt (2024), Unprocessing Seven Years of Algorithmic Fairness (ICLR): group thresholds on
the best unconstrained score contain the fronts of the other methods, so they are baseline and
ceiling here.

Ways are chosen on a half of the rows and judged on the other half, again and again, because a
largest difference on one half is mostly the luck of that half. What is reported is the mean over
the halvings. (To pool the judged rows of all folds would flatter: what thresholds owe to the rows
they were chosen on cancels out in the pool.)
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

Way = tuple[str, float | None, np.ndarray]


@dataclass(frozen=True)
class Policy:
    """A way to decide, judged on rows that it was not
    chosen on; all figures are means over the halvings.

    Attributes
    ----------
    equalized_odds
        Largest difference between groups of recall or of false-positive rate.
    share_left
        Share of the first way's difference that is left, paired over resampled rows.
    cost_ratio
        Cost over the first way's cost, paired over resampled rows.
    halved
        Share of the halvings in which at most half of the first way's difference is left.
    """

    method: str
    tolerance: float | None
    equalized_odds: Estimate
    share_left: Estimate
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
class _Judged:
    """Of each way on each resample of one judged half, shape
    (n_ways, 1 + n_replicates); share alerted, (n_ways,).
    """

    equalized_odds: np.ndarray
    cost: np.ndarray
    alert_share: np.ndarray


def _judge(rows: ScoredRows, ways: Sequence[Way], weight: np.ndarray, miss_cost: float) -> _Judged:
    cells = [(rows.group == g) & (rows.y_true == y) for y in (1, 0) for g in np.unique(rows.group)]
    members = np.column_stack(cells).astype(np.float32)
    counts, half = np.maximum(weight @ members, 1), len(cells) // 2
    odds, cost = [], []
    for _, _, probability in ways:
        rates = weight @ (members * probability[:, None].astype(np.float32)) / counts
        odds.append(np.maximum(np.ptp(rates[:, :half], axis=1), np.ptp(rates[:, half:], axis=1)))
        cost.append(weight @ (miss_cost * rows.y_true * (1 - probability) + probability))
    return _Judged(
        np.array(odds), np.array(cost), np.array([probability.mean() for *_, probability in ways])
    )


def evaluate_policies(
    halvings: Sequence[tuple[ScoredRows, Sequence[Way], np.ndarray]], *, miss_cost: float
) -> list[Policy]:
    """Disparity and cost of each way, paired over resampled
    rows; the first way is what the others are compared with.

    Parameters
    ----------
    halvings
        Judged rows, the ways (method, tolerance, and probability of an alert for each row; the same
        in each halving), and how often each row counts in each resample, as `draw_weights` gives
        it.
    miss_cost
        Cost of a missed positive, in reviews.
    """
    judged = [_judge(*halving, miss_cost) for halving in halvings]
    odds = np.mean([half.equalized_odds for half in judged], axis=0)
    cost = np.sum([half.cost for half in judged], axis=0)
    alerted = np.mean([half.alert_share for half in judged], axis=0)
    first = np.maximum(odds[0], np.finfo(float).tiny)
    halved = np.mean(
        [half.equalized_odds[:, 0] <= half.equalized_odds[0, 0] / 2 for half in judged], axis=0
    )
    return [
        Policy(
            method,
            tolerance,
            largest_gap(odds[k]),
            largest_gap(odds[k] / first),
            interval(cost[k] / cost[0]),
            float(halved[k]),
            float(alerted[k]),
        )
        for k, (method, tolerance, _) in enumerate(halvings[0][1])
    ]


def largest_gap(replicates: np.ndarray) -> Estimate:
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
    >>> largest_gap(np.array([0.1, 0.2, 0.2, 0.2])).ci_high
    0.1
    """
    value = float(replicates[0])
    low, high = np.quantile(replicates[1:] - (replicates[1:].mean() - value), [0.025, 0.975])
    return Estimate(value, max(0.0, min(float(low), value)), max(float(high), value))


def build_front(
    rows: ScoredRows,
    settings: Mapping[str, Any],
    *,
    selection_rate: float,
    n_replicates: int,
    seed: int,
) -> list[Policy]:
    """The champion, group thresholds with and without the alert budget, and Fairlearn's ways.

    Parameters
    ----------
    rows
        Halved at random: ways are chosen on one half and judged on the other.
    settings
        ``miss_cost``, ``tolerances``, ``n_splits`` halvings, ``n_iterations`` (0 leaves
        ExponentiatedGradient out).

    Returns
    -------
    list of Policy
        The champion first. ExponentiatedGradient takes minutes for each half, so it is judged on
        the first one alone, and compared with the champion there.
    """
    # a stream of its own: the folds were drawn from the seed alone, and a half must not follow them
    rng = np.random.default_rng([seed, 1])
    weight = draw_weights(len(rows.y_true), n_replicates, rng)
    halvings = []
    for number in range(settings["n_splits"]):
        half = rng.random(len(rows.y_true)) < 0.5
        chosen, judged = rows.at(half), rows.at(~half)
        ways = _ways(chosen, judged, settings, selection_rate=selection_rate, seed=seed + number)
        if number == 0:
            first = (
                judged,
                [ways[0], *_reductions(chosen, judged, settings, seed=seed)],
                weight[:, ~half],
            )
        halvings.append((judged, ways, weight[:, ~half]))
    front = evaluate_policies(halvings, miss_cost=settings["miss_cost"])
    return front + evaluate_policies([first], miss_cost=settings["miss_cost"])[1:]


def _ways(
    chosen: ScoredRows,
    judged: ScoredRows,
    settings: Mapping[str, Any],
    *,
    selection_rate: float,
    seed: int,
) -> list[Way]:
    """Every way to decide that takes seconds, chosen on one half, on the other half."""
    champion = (judged.log_odds >= np.quantile(chosen.log_odds, 1 - selection_rate)).astype(float)
    ways: list[Way] = [("champion", None, champion)]
    for name, budget in (
        ("group thresholds within the budget", selection_rate),
        ("group thresholds", None),
    ):
        for tolerance in settings["tolerances"]:
            thresholds = choose_group_thresholds(
                chosen, miss_cost=settings["miss_cost"], tolerance=tolerance, budget=budget
            )
            ways.append((name, tolerance, thresholds.alert_probability(judged)))
    ways.append(
        ("Fairlearn ThresholdOptimizer", 0.0, fairlearn_thresholds(chosen, judged, seed=seed))
    )
    return ways


def _reductions(
    chosen: ScoredRows, judged: ScoredRows, settings: Mapping[str, Any], *, seed: int
) -> list[Way]:
    if not settings["n_iterations"]:
        return []
    tolerance = settings["tolerances"][0]
    answer = fairlearn_reductions(
        chosen,
        judged,
        miss_cost=settings["miss_cost"],
        tolerance=tolerance,
        n_iterations=settings["n_iterations"],
        seed=seed,
    )
    return [("Fairlearn ExponentiatedGradient, one half", tolerance, answer)]
