"""As-of replay of a stream of many days: each
evening a verdict, and every so many days a new model.

Labels come late and at any age, so everything that compares labels compares them at
fixed maturity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.attribution.attributor import INCONCLUSIVE, Attributor
from fraud_core.drift.attribution.discrepancy import LabelledWindow
from fraud_core.drift.attribution.scenarios import (
    SEVERITIES,
    learn_causes,
    make_pool,
    run_scenarios,
)
from fraud_core.drift.monitoring.reference_histogram import SCORE, Reference, build_reference
from fraud_core.drift.monitoring.window_verdict import WindowVerdict, evaluate_window
from fraud_core.drift.replay.stream_transactions import StreamTransactions, on_days
from fraud_core.drift.two_sample.binned import MINIMUM_ROWS, State
from fraud_core.features.offline import DAY_SECONDS
from fraud_core.model.estimators import EstimatorConfig, FittedEstimator

POLICIES: tuple[str, ...] = ("never", "regular", "on_material_drift")


@dataclass(frozen=True)
class DailySchedule:
    """When things happen, in days since the start of the stream.

    Attributes
    ----------
    first_day
        First day that is learnt from; the days before fill the windows of the features.
    train_days
        Length of the first training, and of every later one.
    reference_days
        The days after the first training: what later days are compared with, and what the
        attribution learns from.
    window_days
        Each verdict is on the last so many days; whole weeks, since days of the week differ.
    label_delay_days
        Labels are compared, and learnt from, at this age.
    retrain_days
        Least time between two models.
    alert_share
        Share of the payments of a day that is reviewed, those of highest score.
    """

    first_day: int
    train_days: int
    reference_days: int
    window_days: int
    label_delay_days: int
    retrain_days: int
    alert_share: float

    @property
    def start(self) -> int:
        """First day of the replay: the labels of the reference are mature."""
        return self.first_day + self.train_days + self.reference_days + self.label_delay_days


@dataclass(frozen=True)
class Day:
    """What was said on the evening of a day, and what the day cost, which was known later.

    Attributes
    ----------
    day
        Number of the day.
    features
        Verdict of the stream monitor's test on columns and score of the last days; needs no label.
    material
        Columns that reached the practical-significance threshold.
    cause, confidence
        Attribution of the last days whose labels have reached the maturity.
    frauds, frauds_known
        Of the rows so far, and of these the reported ones.
    retrained
        Policies under which a new model took over for the next day.
    cost_eur
        Missed frauds and reviews of the day under each policy.
    """

    day: int
    features: State
    material: tuple[str, ...]
    cause: str
    confidence: float
    frauds: int
    frauds_known: int
    retrained: tuple[str, ...]
    cost_eur: dict[str, float]


@dataclass(frozen=True)
class WarmStart:
    """What stands before the first day of a replay; streams that differ later fit_initial alike.

    Attributes
    ----------
    model
        Fitted on the training days.
    reference
        Bins and counts of the reference days, the score last.
    labelled
        Their rows with the labels at fixed maturity.
    attributor
        Learnt on scenarios over these rows.
    """

    model: FittedEstimator
    reference: Reference
    labelled: LabelledWindow
    attributor: Attributor


def fit_initial(
    rows: StreamTransactions,
    schedule: DailySchedule,
    *,
    estimator: EstimatorConfig,
    n_bins: int,
    n_scenarios: int,
    seed: int,
    rng: np.random.Generator,
) -> WarmStart:
    """Fit the first model, count the reference, and learn the attribution on it.

    Raises
    ------
    ValueError
        When the training days hold no reported fraud.
    """
    middle = schedule.first_day + schedule.train_days
    trained = on_days(rows, schedule.first_day, middle)
    fitted = _fit(rows, trained, (middle + schedule.label_delay_days) * DAY_SECONDS, estimator)
    after = on_days(rows, middle, middle + schedule.reference_days)
    probability = _probability(fitted, rows.features[after])
    labelled = LabelledWindow(
        rows.features[after], rows.labels_at_maturity(schedule.label_delay_days)[after], probability
    )
    reference = build_reference(
        np.column_stack([labelled.X, probability]), [*rows.names, SCORE], n_bins=n_bins
    )
    pool = make_pool(labelled, np.zeros(len(probability), bool))
    built = run_scenarios([pool], SEVERITIES, n_each=n_scenarios, rng=rng)
    return WarmStart(fitted, reference, labelled, learn_causes(built, seed=seed))


def replay_days(
    rows: StreamTransactions,
    schedule: DailySchedule,
    warm_start: WarmStart,
    *,
    estimator: EstimatorConfig,
    thresholds: Mapping[str, float],
    review_cost_eur: float,
    until: int,
    rng: np.random.Generator,
) -> list[Day]:
    """Replay the days from the schedule's start to before `until` under each retraining policy.

    Parameters
    ----------
    rows
        Their clean labels give cost and realised performance; nothing is fitted on them.
    thresholds
        ``psi_threshold`` and ``alpha``.

    Notes
    -----
    A model that takes over has learnt from the last `train_days` days whose labels had the age of
    comparison, with what was reported by that evening. Monitor and attribution keep the scores of
    the first model, whose reference they have.
    """
    score = _probability(warm_start.model, rows.features)
    served = dict.fromkeys(POLICIES, warm_start.model)
    since = dict.fromkeys(POLICIES, schedule.start)
    out: list[Day] = []
    for day in range(schedule.start, until):
        verdict = _monitor(rows, score, warm_start.reference, schedule, day, thresholds)
        cause, confidence = _attribute(rows, score, warm_start, schedule, day, rng)
        today = on_days(rows, day, day + 1)
        cost = {
            policy: _cost(rows, today, served[policy], schedule, review_cost_eur)
            for policy in POLICIES
        }
        wished = {"regular": True, "on_material_drift": verdict.state == "material"}
        due = tuple(
            p for p, wish in wished.items() if wish and day + 1 - since[p] >= schedule.retrain_days
        )
        if due:
            last = day + 1 - schedule.label_delay_days
            again = _fit(
                rows,
                on_days(rows, last - schedule.train_days, last),
                (day + 1) * DAY_SECONDS,
                estimator,
            )
            served |= dict.fromkeys(due, again)
            since |= dict.fromkeys(due, day + 1)
        so_far = slice(0, today.stop)
        out.append(
            Day(
                day,
                verdict.state,
                verdict.material,
                cause,
                confidence,
                int(rows.y_true[so_far].sum()),
                int(rows.labels_as_of((day + 1) * DAY_SECONDS)[so_far].sum()),
                due,
                cost,
            )
        )
    return out


def days_to_detect(
    days: Sequence[Day], *, change_day: int, causes: Sequence[str] = ()
) -> int | None:
    """Days from a change until the first evening that
    saw it, 1 on its own day; None when no evening did.

    Parameters
    ----------
    causes
        Causes that count as seeing it; without any, the verdict of the monitor does.

    Examples
    --------
    >>> evening = Day(12, "material", ("hour",), "none", 0.9, 5, 3, (), {})
    >>> (
    ...     days_to_detect([evening], change_day=10),
    ...     days_to_detect([evening], change_day=10, causes=["label_shift"]),
    ... )
    (3, None)
    """
    for day in days:
        sees = day.cause in causes if causes else day.features == "material"
        if day.day >= change_day and sees:
            return day.day - change_day + 1
    return None


def _monitor(
    rows: StreamTransactions,
    score: np.ndarray,
    reference: Reference,
    schedule: DailySchedule,
    day: int,
    thresholds: Mapping[str, float],
) -> WindowVerdict:
    part = on_days(rows, day + 1 - schedule.window_days, day + 1)
    counts = reference.count(np.column_stack([rows.features[part], score[part]]))
    return evaluate_window(
        reference,
        counts,
        np.array([part.stop - part.start]),
        minimum_rows=MINIMUM_ROWS,
        psi_threshold=thresholds["psi_threshold"],
        alpha=thresholds["alpha"],
    )


def _attribute(
    rows: StreamTransactions,
    score: np.ndarray,
    warm_start: WarmStart,
    schedule: DailySchedule,
    day: int,
    rng: np.random.Generator,
) -> tuple[str, float]:
    end = day + 1 - schedule.label_delay_days
    part = on_days(rows, end - schedule.window_days, end)
    if part.stop - part.start < MINIMUM_ROWS:
        return INCONCLUSIVE, 0.0
    observed = rows.labels_at_maturity(schedule.label_delay_days)[part]
    attribution = warm_start.attributor.attribute(
        warm_start.labelled, LabelledWindow(rows.features[part], observed, score[part]), rng=rng
    )
    return attribution.verdict, attribution.confidence


def _fit(
    rows: StreamTransactions, part: slice, moment: float, estimator: EstimatorConfig
) -> FittedEstimator:
    known = rows.labels_as_of(moment)[part]
    if not known.any():
        raise ValueError(
            "stream replay, training: expected a reported fraud in its days, found none; lengthen "
            "them"
        )
    return estimator.fit(rows.features[part], known)


def _probability(model: FittedEstimator, features: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-model.decision_function(features)))


def _cost(
    rows: StreamTransactions,
    part: slice,
    model: FittedEstimator,
    schedule: DailySchedule,
    review_cost_eur: float,
) -> float:
    log_odds = model.decision_function(rows.features[part])
    n_alerts = min(len(log_odds), round(schedule.alert_share * len(log_odds)))
    reviewed = np.argsort(-log_odds, kind="stable")[:n_alerts]
    missed = np.where(rows.y_true[part] == 1, rows.amount_eur[part], 0.0)
    missed[reviewed] = 0.0
    return float(missed.sum() + review_cost_eur * n_alerts)
