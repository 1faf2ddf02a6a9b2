"""The parts of the drift study that fit models: label-free performance, decomposition, attribution, replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.drift.attribution import ATTACKS, CAUSES, INCONCLUSIVE, Attributor, fit_attributor
from fraud_core.drift.evidence import LabelledWindow
from fraud_core.drift.forward import fit_rows, forward_margins
from fraud_core.drift.label_free import LabelFree, estimate_performance
from fraud_core.drift.multivariate import discriminant_terms
from fraud_core.drift.replay import Block, Schedule, hide_frauds, replay
from fraud_core.drift.scenarios import (
    HELD_OUT_STRENGTHS,
    STRENGTHS,
    STRONG_BACKGROUND,
    Pool,
    Scenario,
    fraud_modes,
    make_pool,
    nearest_legitimate,
    run_scenarios,
)
from fraud_core.model.intervals import Interval, share

N_MODES = 4
EARLY_SHARE = 0.4  # of the time of v0: the models of the pools are fitted before it
FOUND_SCORE = 0.5
MINIMUM_OF_MODE = 5
FALSE_ATTACK_RATE = 0.01
MINIMUM_CONFIDENCE = 0.4


def label_free_study(
    v0: Arrays, v1: Arrays, *, model: Mapping[str, Any], rng: np.random.Generator
) -> tuple[LabelFree, LabelFree, LabelFree]:
    """Average precision expected before labels: on v1, on the last block of v0, and under a pattern never seen.

    Returns
    -------
    on_v1, on_v0, broken
        `on_v0` uses the blocks of v0 before its last one. `broken` repeats `on_v1` after a corner of legitimate rows
        of v1, half as many as there are frauds, became fraud: features and scores are the same, so the estimate cannot
        move, and the truth does. This is the case in which the method must fail.
    """
    margin, y_true, row = forward_margins(v0, n_blocks=4, model=model)
    scored = fit_rows(v0, v0.y_true, np.ones(len(v0.y_true), bool), model).margin(v1.features)
    on_v1 = estimate_performance(margin, y_true, scored, v1.y_true, rng=rng)
    last = np.arange(len(row)) >= len(row) - len(row) // 4
    on_v0 = estimate_performance(margin[~last], y_true[~last], margin[last], y_true[last], rng=rng)
    corner = nearest_legitimate(
        discriminant_terms(v0.features, v1.features)[:, : v1.features.shape[1]], v1.y_true,
        n_rows=int(v1.y_true.sum()) // 2, rng=rng,
    )  # fmt: skip
    changed = v1.y_true.copy()
    changed[corner] = 1
    return on_v1, on_v0, estimate_performance(margin, y_true, scored, changed, rng=rng)


@dataclass(frozen=True)
class AttributionStudy:
    """What the attribution did on scenarios of held-out strengths.

    Attributes
    ----------
    attributor
        Fitted on the other strengths.
    accuracy
        Share of right verdicts; ``inconclusive`` counts as wrong.
    false_attack_rate
        Share of the scenarios without a cause that were called an attack.
    features_only_silent
        Share of label attacks on which a monitor of features and score sees nothing at all; it names none of the rest.
    confusion
        ``confusion[cause][verdict]``, counts.
    reliability
        (mean confidence, share right, count) of verdicts, by confidence.
    """

    attributor: Attributor
    accuracy: Interval
    false_attack_rate: Interval
    features_only_silent: Interval
    confusion: dict[str, dict[str, int]]
    reliability: tuple[tuple[float, float, int], ...]


def attribution_study(
    v0: Arrays, *, n_each: int, model: Mapping[str, Any], seed: int, rng: np.random.Generator
) -> tuple[AttributionStudy, AttributionStudy]:
    """Fit the attribution on simulated scenarios over v0 and judge it on strengths that it has not seen.

    Returns
    -------
    held_out, strong
        The second while the features move further behind the scenarios than they ever did in those it learnt from.
    """
    pools = scenario_pools(v0, model=model, rng=rng)
    built = run_scenarios(pools, STRENGTHS, n_each=n_each, rng=rng)
    attributor = fit_attributor(
        [one.evidence for one in built], [one.cause for one in built],
        false_attack_rate=FALSE_ATTACK_RATE, minimum_confidence=MINIMUM_CONFIDENCE, seed=seed,
    )  # fmt: skip
    n_held_out = max(1, n_each * 2 // 3)
    strong = run_scenarios(
        pools, HELD_OUT_STRENGTHS, n_each=n_held_out, rng=rng.spawn(1)[0], background=STRONG_BACKGROUND
    )
    found = judge_attribution(attributor, run_scenarios(pools, HELD_OUT_STRENGTHS, n_each=n_held_out, rng=rng))
    return found, judge_attribution(attributor, strong)


def judge_attribution(attributor: Attributor, scenarios: Sequence[Scenario]) -> AttributionStudy:
    """Accuracy, false attacks, confusion and reliability of an attribution on scenarios."""
    found = [attributor.judge(one.evidence) for one in scenarios]
    confusion = {cause: dict.fromkeys((*CAUSES, INCONCLUSIVE), 0) for cause in CAUSES}
    for one, judged in zip(scenarios, found, strict=True):
        confusion[one.cause][judged.verdict] += 1
    right = np.array([judged.verdict == one.cause for one, judged in zip(scenarios, found, strict=True)])
    confidence = np.array([judged.confidence for judged in found])
    none = confusion["none"]
    attacks = [one for one in scenarios if one.cause in ATTACKS]
    # p-values at 0.05 for the best feature and the score: the most a monitor of inputs and outputs can say
    silent = sum(max(one.evidence.features, one.evidence.scores) < -np.log10(0.05 / 2) for one in attacks)
    decided = np.array([judged.verdict != INCONCLUSIVE for judged in found])
    reliability = []
    for low, high in ((0.0, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        part = decided & (confidence >= low) & (confidence < high)
        if part.any():
            reliability.append((float(confidence[part].mean()), float(right[part].mean()), int(part.sum())))
    return AttributionStudy(
        attributor, share(int(right.sum()), len(right)),
        share(sum(none[attack] for attack in ATTACKS), sum(none.values())),
        share(silent, len(attacks)), confusion, tuple(reliability),
    )  # fmt: skip


def replay_study(
    v0: Arrays, v1: Arrays, names: Sequence[str], attributor: Attributor, setting: Mapping[str, float], *,
    model: Mapping[str, Any], decision: Mapping[str, float], limits: Mapping[str, float], rng: np.random.Generator,
) -> tuple[list[Block], list[Block]]:  # fmt: skip
    """Both versions replayed as one stream, as it was and with frauds hidden from an hour on.

    Parameters
    ----------
    setting
        The fields of `Schedule`, ``attack_hour`` and ``hidden_share``.
    """
    rows = Arrays(*(np.concatenate([getattr(v0, f.name), getattr(v1, f.name)]) for f in fields(Arrays)))
    schedule = Schedule(**{f.name: setting[f.name] for f in fields(Schedule)})
    hidden = hide_frauds(rows, setting["hidden_share"], from_hour=setting["attack_hour"], rng=rng)
    plain, attacked = (
        replay(rows, seen, names, schedule, attributor, model=model, decision=decision, limits=limits, rng=rng)
        for seen in (rows.y_true, hidden)
    )
    return plain, attacked


def scenario_pools(v0: Arrays, *, model: Mapping[str, Any], rng: np.random.Generator) -> list[Pool]:
    """The later hours of v0 as pools: scored by a model of the earlier hours, and by one without each mode of fraud."""
    since = v0.time - v0.time[0]
    early = since < EARLY_SHARE * since[-1]
    mode = _mode_of_fraud(v0, rng)
    pools = []
    for left_out in (None, *range(N_MODES)):
        later = ~early
        unseen = np.zeros(len(mode), bool) if left_out is None else mode == left_out
        fitted = fit_rows(v0, v0.y_true, early & ~unseen, model)
        probability = 1 / (1 + np.exp(-fitted.margin(v0.features[later])))
        # a fraud that the model finds although it never saw its mode is no new pattern to it: the row leaves the pool
        found = unseen[later] & (probability >= FOUND_SCORE)
        unseen, probability, later = unseen[later][~found], probability[~found], np.flatnonzero(later)[~found]
        if left_out is not None and unseen.sum() < MINIMUM_OF_MODE:
            continue
        pools.append(make_pool(LabelledWindow(v0.features[later], v0.y_true[later], probability), unseen))
    return pools


def _mode_of_fraud(rows: Arrays, rng: np.random.Generator) -> np.ndarray:
    """Mode of each fraud, −1 for legitimate rows, shape (n,)."""
    frauds = np.flatnonzero(rows.y_true == 1)
    scores = discriminant_terms(rows.features, rows.features[frauds])[:, : rows.features.shape[1]]
    mode = np.full(len(rows.y_true), -1)
    mode[frauds] = fraud_modes(scores, N_MODES, seed=int(rng.integers(2**31)))
    return mode
