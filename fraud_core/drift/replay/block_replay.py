"""As-of replay of a stream, block by block: labels arrive late,
verdicts and retraining use what had arrived, nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.drift.attribution.attributor import ATTACKS, INCONCLUSIVE, Attributor
from fraud_core.drift.performance.cbpe import estimated_average_precision
from fraud_core.drift.replay.served_model import (
    Practice,
    Served,
    cost_of,
    first_model,
    labelled_window,
    refitted,
)
from fraud_core.drift.two_sample.binned import MINIMUM_ROWS, State
from fraud_core.drift.two_sample.windows import PreparedWindow, compare_windows, prepare_window
from fraud_core.evaluation.metrics import average_precision
from fraud_core.evaluation.study_table import Measurement

Policy = Literal["never", "each_block", "on_material_drift"]
LABEL_BLOCKS = 2
POLICIES: tuple[Policy, ...] = ("never", "each_block", "on_material_drift")
SUPPRESSED = ("suppressed_labels",)


@dataclass(frozen=True)
class Schedule:
    """When things happen in a replay, in hours since the start of the stream.

    Attributes
    ----------
    train_hours
        The first model is fitted on the rows before; they are its reference too.
    calibrate_hours
        The rows from there until here give calibration, threshold and the reference of the labels.
    block_hours
        Length of a block; verdicts are given at its end.
    label_delay_hours
        A label is known so long after its payment.
    """

    train_hours: float
    calibrate_hours: float
    block_hours: float
    label_delay_hours: float


@dataclass(frozen=True)
class Block:
    """What was known at the end of a block, and what the block cost, which was known later.

    Attributes
    ----------
    start_hour, end_hour
        Hours since the start of the stream.
    features
        State of the features of the block against those of the reference; needs no label.
    estimated_average_precision
        From the scores of the block, without labels (CBPE).
    realised_average_precision
        On the labels of the block, which arrived later; NaN without a fraud.
    cause, cause_confidence
        Attribution of the labels that arrived last, two blocks of payments at most;
        ``inconclusive`` before there were 200.
    labels_known
        Number of labels that had arrived.
    retrained
        Policies under which a new model took over after the block.
    cost_eur
        Cost of the block under each policy.
    """

    start_hour: float
    end_hour: float
    features: State
    estimated_average_precision: float
    realised_average_precision: float
    cause: str
    cause_confidence: float
    labels_known: int
    retrained: tuple[str, ...]
    cost_eur: dict[str, float]


def replay(
    rows: Transactions,
    y_observed: np.ndarray,
    names: Sequence[str],
    schedule: Schedule,
    attributor: Attributor,
    practice: Practice,
    *,
    rng: np.random.Generator,
) -> list[Block]:
    """Replay a labelled stream block by block under each retraining policy.

    Parameters
    ----------
    rows
        In time order; their clean labels give cost and realised performance, nothing is fitted on
        them.
    y_observed
        Shape (n_samples,), labels as they arrive.
    attributor
        From `fit_attributor`.

    Raises
    ------
    ValueError
        When training or calibration holds no fraud.

    Notes
    -----
    Retraining fits on every row whose label had arrived; a policy keeps the calibration of its
    first model, because a second one would need rows that the new model has not seen.
    """
    hour = (rows.time_s - rows.time_s[0]) / 3600
    trained = hour < schedule.train_hours
    calibrated = ~trained & (hour < schedule.calibrate_hours)
    first = first_model(rows, y_observed, trained, calibrated, practice)
    served: dict[str, Served] = dict.fromkeys(POLICIES, first)
    thresholds = practice.thresholds
    prepared = prepare_window(rows.X[calibrated], names, n_bins=int(thresholds["n_bins"]), rng=rng)
    labelled = labelled_window(rows, y_observed, calibrated, first)
    out: list[Block] = []
    start = schedule.calibrate_hours
    while start < hour[-1]:
        end = start + schedule.block_hours
        now = (hour >= start) & (hour < end)
        known = hour < end - schedule.label_delay_hours
        features = _state(prepared, rows.X[now], thresholds, rng)
        probability = first.probability(rows.X[now])
        since = end - schedule.label_delay_hours - LABEL_BLOCKS * schedule.block_hours
        arrived = known & (hour >= max(since, schedule.calibrate_hours))
        cause, confidence = INCONCLUSIVE, 0.0
        if arrived.sum() >= MINIMUM_ROWS:
            latest = labelled_window(rows, y_observed, arrived, first)
            attribution = attributor.attribute(labelled, latest, rng=rng)
            cause, confidence = attribution.verdict, attribution.confidence
        cost = {
            policy: cost_of(rows, now, served[policy], practice.decision) for policy in POLICIES
        }
        due = _due(features)
        again = refitted(rows, y_observed, known, first, practice.estimator)
        served |= dict.fromkeys(due, again)
        out.append(
            Block(
                start,
                min(end, float(hour[-1])),
                features,
                estimated_average_precision(probability),
                _average_precision(rows.y_observed[now], probability),
                cause,
                confidence,
                int(known.sum()),
                due,
                cost,
            )
        )
        start = end
    return out


def first_detection(
    blocks: Sequence[Block], causes: Sequence[str], *, from_hour: float
) -> float | None:
    """Hours from `from_hour` to the end of the first block
    that named one of the causes; None when none did.

    Examples
    --------
    >>> block = Block(4.0, 8.0, "stable", 0.8, 0.8, "suppressed_labels", 0.9, 100, (), {})
    >>> first_detection([block], ["suppressed_labels"], from_hour=5.0)
    3.0
    """
    detected = [
        block.end_hour for block in blocks if block.end_hour > from_hour and block.cause in causes
    ]
    return detected[0] - from_hour if detected else None


def replay_rows(
    plain: Sequence[Block], attacked: Sequence[Block], *, attack_hour: float
) -> Iterator[Measurement]:
    """Figures of a replay without and with fraud labels suppressed from
    an hour on: detection, cost until then, cost of policies.

    Yields
    ------
    Measurement
        Of a replay by `group` and of a retraining policy by `model`. Hours and euros until
        detection only when the attack was named: the euros are the extra cost of retraining on the
        suppressed labels, from the attack until it was named, on the payments themselves.
    """
    for name, blocks in (("plain", plain), ("attacked", attacked)):
        for policy in POLICIES:
            cost = sum(block.cost_eur[policy] for block in blocks)
            yield Measurement("replay_cost_eur", cost, model=policy, group=name)
    before = [block for block in attacked if block.end_hour <= attack_hour]
    false_attacks = sum(b.cause in ATTACKS for b in (*plain, *before))
    yield Measurement("replay_false_attacks", false_attacks)
    yield Measurement("replay_blocks", len(plain))
    hours = first_detection(attacked, SUPPRESSED, from_hour=attack_hour)
    if hours is not None:
        until = [
            (p, a)
            for p, a in zip(plain, attacked, strict=True)
            if attack_hour < a.end_hour <= attack_hour + hours
        ]
        extra = sum(a.cost_eur["each_block"] - p.cost_eur["each_block"] for p, a in until)
        yield Measurement("replay_hours_to_detect", hours)
        yield Measurement("replay_cost_until_detected_eur", extra)


def detection_words(attacked: Sequence[Block], *, attack_hour: float) -> str:
    """When suppressed fraud labels were named, in words.

    Examples
    --------
    >>> detection_words([], attack_hour=28.0)
    'never'
    """
    hours = first_detection(attacked, SUPPRESSED, from_hour=attack_hour)
    return "never" if hours is None else f"after {hours:.0f} hours"


def suppress_fraud_labels(
    rows: Transactions, share: float, *, from_hour: float, rng: np.random.Generator
) -> np.ndarray:
    """Labels as they arrive when a share of the frauds from
    an hour on is labelled legitimate, shape (n_samples,).
    """
    hour = (rows.time_s - rows.time_s[0]) / 3600
    frauds = np.flatnonzero((rows.y_observed == 1) & (hour >= from_hour))
    y_observed = rows.y_observed.copy()
    y_observed[rng.choice(frauds, round(share * len(frauds)), replace=False)] = 0
    return y_observed


def _state(
    reference: PreparedWindow,
    current: np.ndarray,
    thresholds: Mapping[str, float],
    rng: np.random.Generator,
) -> State:
    """State of the features of a block, by every test that needs no label."""
    return compare_windows(
        reference,
        current,
        psi_threshold=thresholds["psi_threshold"],
        domain_threshold=thresholds["domain_threshold"],
        alpha=thresholds["alpha"],
        rng=rng,
    ).state


def _due(features: State) -> tuple[Policy, ...]:
    """The policies that retrain after a block whose features are in this state."""
    return ("each_block", "on_material_drift") if features == "material" else ("each_block",)


def _average_precision(y_true: np.ndarray, probability: np.ndarray) -> float:
    return average_precision(y_true, probability) if y_true.any() else float("nan")
