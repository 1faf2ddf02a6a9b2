"""Candidate against champion on the same rows, and
how often the rule promotes a model that is no better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import (
    Estimate,
    ModelScores,
    bootstrap,
    interval,
    proportion_ci,
)
from fraud_core.poisoning.study.effects import null_band_of
from fraud_core.promotion.breakdown_words import BEYOND, NOT_REACHED, NOT_SHOWN, NOTHING
from fraud_core.promotion.gate import check_champion

F1_LEAD = 1.01


def compare(
    champion: ModelScores,
    candidate: ModelScores,
    holdout: Transactions,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    rng: np.random.Generator,
) -> tuple[Estimate, Estimate]:
    """What the candidate saves against the champion, in euros,
    and the change of average precision, on the same rows.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1])
    >>> rows = Transactions(np.zeros((4, 1)), y, np.array([1.0, 1.0, 50.0, 70.0]), np.arange(4.0))
    >>> blind, seeing = ModelScores(np.zeros(4), 0.5), ModelScores(y * 0.9, 0.5)
    >>> saving, change = compare(
    ...     blind,
    ...     seeing,
    ...     rows,
    ...     decision={"alert_budget": 0.5, "review_cost_eur": 5.0},
    ...     n_replicates=20,
    ...     rng=np.random.default_rng(0),
    ... )
    >>> saving.value, change.value
    (110.0, 0.5)
    """
    replicates = bootstrap(
        holdout.y_observed,
        {"champion": champion, "candidate": candidate},
        holdout.amount_eur,
        n_alerts=max(1, round(decision["alert_budget"] * len(holdout.y_observed))),
        review_cost_eur=decision["review_cost_eur"],
        n_replicates=n_replicates,
        rng=rng,
    )
    before, after = replicates["champion"], replicates["candidate"]
    return (
        interval(before["expected_cost_eur"] - after["expected_cost_eur"]),
        interval(after["average_precision"] - before["average_precision"]),
    )


def saving_over(
    champion: ModelScores,
    candidate: ModelScores,
    holdout: Transactions,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    rng: np.random.Generator,
) -> Estimate:
    """Cost with the champion less cost with the candidate
    on the same rows, in euros, with its 95% interval.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1])
    >>> rows = Transactions(np.zeros((4, 1)), y, np.array([1.0, 1.0, 50.0, 70.0]), np.arange(4.0))
    >>> blind, seeing = ModelScores(np.zeros(4), 0.5), ModelScores(y * 0.9, 0.5)
    >>> saving_over(
    ...     blind,
    ...     seeing,
    ...     rows,
    ...     decision={"alert_budget": 0.5, "review_cost_eur": 5.0},
    ...     n_replicates=20,
    ...     rng=np.random.default_rng(0),
    ... ).value
    110.0
    """
    return compare(
        champion, candidate, holdout, decision=decision, n_replicates=n_replicates, rng=rng
    )[0]


@dataclass(frozen=True)
class FalsePromotions:
    """How often each rule promotes one of two models that are equally good by construction.

    Attributes
    ----------
    gate
        The gate's rule: the interval of the saving clears the null band.
    without_null_band
        The same without the null band.
    f1_rule
        "F1 larger by one percent", for comparison.
    n_pairs
        Ordered pairs tried.
    """

    gate: Estimate
    without_null_band: Estimate
    f1_rule: Estimate
    n_pairs: int


def false_promotions(
    models: Sequence[ModelScores],
    costs_eur: Sequence[float],
    holdout: Transactions,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    seed: int,
) -> FalsePromotions:
    """Try every rule on pairs of null run trainings.

    The trainings are split into halves: the null band of one half is applied to the pairs of the
    other, so that no pair is judged by a band it helped to set. The pairs share models and rows, so
    the Clopper–Pearson intervals are narrower than the truth.

    Parameters
    ----------
    models, costs_eur
        Null run trainings scored on the holdout, and the expected cost of each; at least four.

    Raises
    ------
    ValueError
        When there are fewer than four trainings.
    """
    if len(models) < 4:
        raise ValueError(f"expected at least four equally good trainings, got {len(models)}")
    halves = [list(range(0, len(models), 2)), list(range(1, len(models), 2))]
    promoted = {"gate": 0, "without_null_band": 0, "f1_rule": 0}
    n_pairs = 0
    for own, other in (halves, halves[::-1]):
        null_band = null_band_of(
            [costs_eur[k] - float(np.mean([costs_eur[j] for j in other])) for k in other]
        )
        for champion, candidate in permutations(own, 2):
            saving = saving_over(
                models[champion],
                models[candidate],
                holdout,
                decision=decision,
                n_replicates=n_replicates,
                rng=np.random.default_rng([seed, champion, candidate]),
            )
            promoted["gate"] += check_champion(saving, null_band_eur=null_band).outcome == "pass"
            promoted["without_null_band"] += (
                check_champion(saving, null_band_eur=0.0).outcome == "pass"
            )
            lead = _f1(models[candidate], holdout.y_observed) / max(
                1e-12, _f1(models[champion], holdout.y_observed)
            )
            promoted["f1_rule"] += lead > F1_LEAD
            n_pairs += 1
    return FalsePromotions(
        **{name: proportion_ci(count, n_pairs) for name, count in promoted.items()}, n_pairs=n_pairs
    )


def _f1(model: ModelScores, y_true: np.ndarray) -> float:
    alerted = model.y_score >= model.threshold
    return float(2 * np.sum(alerted & (y_true == 1)) / max(1, alerted.sum() + y_true.sum()))


def breakdown_point(
    poison_rates: Sequence[float], cost_change_eur: Sequence[Estimate], *, tolerated_eur: float
) -> tuple[Estimate | None, str]:
    """Smallest poison rate at which an attack costs more than
    is tolerated, by linear interpolation from no attack.

    Parameters
    ----------
    poison_rates
        Shares of the attacked class that were tried, in (0, 1].
    cost_change_eur
        Change of the expected cost at each, in euros, with its interval.
    tolerated_eur
        Cost from which a poison rate counts as the breakdown point.

    Returns
    -------
    estimate, words
        The poison rate with its interval, from the upper and the lower ends of the cost; None when
        the cost itself does not reach the tolerance within the rates tried. An end that is not
        reached is the largest rate tried.

    Examples
    --------
    >>> breakdown_point([0.5], [Estimate(4000.0, 1000.0, 8000.0)], tolerated_eur=2000.0)[0]
    Estimate(value=0.25, ci_low=0.125, ci_high=0.5)
    """
    order = np.argsort(poison_rates)
    places = np.concatenate([[0.0], np.asarray(poison_rates, dtype=float)[order]])

    def crossing(end: str) -> float | None:
        costs = np.concatenate([[0.0], [getattr(cost_change_eur[k], end) for k in order]])
        for k in range(1, len(places)):
            if costs[k] >= tolerated_eur:
                part = (tolerated_eur - costs[k - 1]) / (costs[k] - costs[k - 1])
                return float(places[k - 1] + part * (places[k] - places[k - 1]))
        return None

    middle, largest = crossing("value"), float(places[-1])
    if not len(poison_rates):
        return None, NOTHING
    if middle is None and crossing("ci_high") is None:
        return (
            None,
            f"{NOT_REACHED} up to {largest:.0%} of the frauds ({tolerated_eur:,.0f} euros a day "
            "tolerated)",
        )
    if middle is None:
        return None, (
            f"{NOT_SHOWN} up to {largest:.0%} of the frauds: the interval of the cost reaches the "
            f"{tolerated_eur:,.0f} euros a day that are tolerated"
        )
    low, high = crossing("ci_high"), crossing("ci_low")
    estimate = Estimate(
        middle, low if low is not None else middle, high if high is not None else largest
    )
    upper = f"{estimate.ci_high:.0%}" if high is not None else f"{BEYOND} {largest:.0%}"
    return (
        estimate,
        f"{middle:.0%} of the fraud labels suppressed ({estimate.ci_low:.0%} to {upper}), "
        f"{tolerated_eur:,.0f} euros tolerated",
    )
