"""The attribution, learnt from scenarios over v0 and scored
on other severities, stronger movement and another day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.drift.attribution.attributor import ATTACKS, CAUSES, INCONCLUSIVE, Attributor
from fraud_core.drift.attribution.discrepancy import LabelledWindow
from fraud_core.drift.attribution.scenarios import (
    HELD_OUT_SEVERITIES,
    SEVERITIES,
    STRONG_BACKGROUND,
    Pool,
    Scenario,
    fraud_modes,
    learn_causes,
    make_pool,
    run_scenarios,
)
from fraud_core.drift.performance.forward_chaining import fit_rows
from fraud_core.drift.two_sample.multivariate import discriminant_terms
from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.model.estimators import EstimatorConfig

N_MODES = 4
EARLY_SHARE = 0.4  # of the time of v0: the models of the pools are fitted before it
FOUND_SCORE = 0.5
MINIMUM_OF_MODE = 5
CONFIDENCE_BINS = ((0.0, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01))


@dataclass(frozen=True)
class AttributionScores:
    """What an attribution did on scenarios.

    Attributes
    ----------
    accuracy
        Share of right verdicts; ``inconclusive`` counts as wrong.
    with_cause
        The same over the scenarios in which something changed.
    false_attack_rate
        Share of the scenarios without a cause that were called an attack.
    attacks
        Share of the attacks on labels that were named rightly.
    confusion
        ``confusion[cause][verdict]``, counts.
    reliability
        (mean confidence, share right, count) of verdicts, by confidence.
    """

    accuracy: Estimate
    with_cause: Estimate
    false_attack_rate: Estimate
    attacks: Estimate
    confusion: dict[str, dict[str, int]]
    reliability: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class AttributionStudy:
    """An attribution, and how it did on scenarios.

    Attributes
    ----------
    attributor
        Fitted on `SEVERITIES`.
    held_out
        On `HELD_OUT_SEVERITIES`, over the rows that it was fitted on.
    strong
        The same while the features move further behind the scenarios than they ever did in those it
        learnt from.
    other_day
        The same over v1, whose rows neither the model nor the attribution has seen. A new pattern
        is here always a corner that was legitimate.
    features_only
        On the scenarios of `held_out`, an attribution that was fitted alike and reads no label: the
        best that a monitor of features and scores could say.
    silent
        Share of the attacks in `held_out` on which every test of features and score stays silent.
    """

    attributor: Attributor
    held_out: AttributionScores
    strong: AttributionScores
    other_day: AttributionScores
    features_only: AttributionScores
    silent: Estimate


def attribution_study(
    v0: Transactions,
    v1: Transactions,
    *,
    n_each: int,
    estimator: EstimatorConfig,
    seed: int,
    rng: np.random.Generator,
) -> AttributionStudy:
    """Fit the attribution on simulated scenarios over v0 and score it where it has not been.

    Parameters
    ----------
    v1
        Scored on alone: nothing is fitted on it.
    n_each
        Scenarios of each cause to learn from; two thirds as many are scored.
    """
    pools = scenario_pools(v0, estimator=estimator, rng=rng)
    built = run_scenarios(pools, SEVERITIES, n_each=n_each, rng=rng)
    attributor = learn_causes(built, seed=seed)
    blind = learn_causes([_without_labels(one) for one in built], seed=seed)
    n_scored = max(1, n_each * 2 // 3)
    strong = run_scenarios(
        pools,
        HELD_OUT_SEVERITIES,
        n_each=n_scored,
        rng=rng.spawn(1)[0],
        background=STRONG_BACKGROUND,
    )
    held_out = run_scenarios(pools, HELD_OUT_SEVERITIES, n_each=n_scored, rng=rng)
    other = run_scenarios(
        [_day_pool(v0, v1, estimator)], HELD_OUT_SEVERITIES, n_each=n_scored, rng=rng.spawn(1)[0]
    )
    attacks = [one for one in held_out if one.cause in ATTACKS]
    # p-values at 0.05 for the best feature and the score: the most that their tests can say
    silent = sum(
        max(one.discrepancy.features, one.discrepancy.scores) < -np.log10(0.05 / 2)
        for one in attacks
    )
    return AttributionStudy(
        attributor,
        evaluate_attribution(attributor, held_out),
        evaluate_attribution(attributor, strong),
        evaluate_attribution(attributor, other),
        evaluate_attribution(blind, [_without_labels(one) for one in held_out]),
        proportion_ci(silent, len(attacks)),
    )


def evaluate_attribution(
    attributor: Attributor, scenarios: Sequence[Scenario]
) -> AttributionScores:
    """Accuracy, false attacks, confusion and reliability
    of an attribution on scenarios of every cause.
    """
    attributions = attributor.classify_all([one.discrepancy for one in scenarios])
    confusion: dict[str, dict[str, int]] = {
        cause: dict.fromkeys((*CAUSES, INCONCLUSIVE), 0) for cause in CAUSES
    }
    for one, attribution in zip(scenarios, attributions, strict=True):
        confusion[one.cause][attribution.verdict] += 1
    none = confusion["none"]
    return AttributionScores(
        _right(confusion, CAUSES),
        _right(confusion, CAUSES[1:]),
        proportion_ci(sum(none[attack] for attack in ATTACKS), sum(none.values())),
        _right(confusion, ATTACKS),
        confusion,
        _reliability(scenarios, attributions),
    )


def _right(confusion: Mapping[str, Mapping[str, int]], causes: Sequence[str]) -> Estimate:
    return proportion_ci(
        sum(confusion[cause][cause] for cause in causes),
        sum(sum(confusion[c].values()) for c in causes),
    )


def _reliability(
    scenarios: Sequence[Scenario], attributions: Sequence[Any]
) -> tuple[tuple[float, float, int], ...]:
    right = np.array(
        [
            attribution.verdict == one.cause
            for one, attribution in zip(scenarios, attributions, strict=True)
        ]
    )
    confidence = np.array([attribution.confidence for attribution in attributions])
    decided = np.array([attribution.verdict != INCONCLUSIVE for attribution in attributions])
    out = []
    for low, high in CONFIDENCE_BINS:
        part = decided & (confidence >= low) & (confidence < high)
        if part.any():
            out.append((float(confidence[part].mean()), float(right[part].mean()), int(part.sum())))
    return tuple(out)


def _without_labels(one: Scenario) -> Scenario:
    return replace(one, discrepancy=one.discrepancy.without_labels())


def _day_pool(v0: Transactions, v1: Transactions, estimator: EstimatorConfig) -> Pool:
    """v1 as a pool, scored by a model of all of v0."""
    fitted = fit_rows(v0, v0.y_observed, np.ones(len(v0), bool), estimator)
    rows = LabelledWindow(v1.X, v1.y_observed, 1 / (1 + np.exp(-fitted.decision_function(v1.X))))
    return make_pool(rows, np.zeros(len(v1.y_observed), bool))


def scenario_pools(
    v0: Transactions, *, estimator: EstimatorConfig, rng: np.random.Generator
) -> list[Pool]:
    """The later hours of v0 as pools: scored by a model of
    the earlier hours, and by one without each mode of fraud.
    """
    since = v0.time_s - v0.time_s[0]
    early = since < EARLY_SHARE * since[-1]
    mode = _mode_of_fraud(v0, rng)
    pools = []
    for left_out in (None, *range(N_MODES)):
        later = ~early
        unseen = np.zeros(len(mode), bool) if left_out is None else mode == left_out
        fitted = fit_rows(v0, v0.y_observed, early & ~unseen, estimator)
        probability = 1 / (1 + np.exp(-fitted.decision_function(v0.X[later])))
        # a fraud that the model finds although it never saw its mode is no new pattern to it: the
        # row leaves the pool
        known = unseen[later] & (probability >= FOUND_SCORE)
        unseen, probability, later = (
            unseen[later][~known],
            probability[~known],
            np.flatnonzero(later)[~known],
        )
        if left_out is not None and unseen.sum() < MINIMUM_OF_MODE:
            continue
        pools.append(
            make_pool(LabelledWindow(v0.X[later], v0.y_observed[later], probability), unseen)
        )
    return pools


def _mode_of_fraud(rows: Transactions, rng: np.random.Generator) -> np.ndarray:
    """Mode of each fraud, −1 for legitimate rows, shape (n,)."""
    frauds = np.flatnonzero(rows.y_observed == 1)
    scores = discriminant_terms(rows.X, rows.X[frauds])[:, : rows.X.shape[1]]
    mode = np.full(len(rows.y_observed), -1)
    mode[frauds] = fraud_modes(scores, N_MODES, seed=int(rng.integers(2**31)))
    return mode
