"""The replay of simulated streams: nothing changes, nature
does, or chargebacks are suppressed, from a known day on.

All streams of a seed hold the same customers and payments up to the day of the change, and share
their warm start. The streams are simulated, and so is everything that is read from them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.drift.attribution.attributor import ATTACKS
from fraud_core.drift.replay.daily_replay import (
    POLICIES,
    DailySchedule,
    Day,
    days_to_detect,
    fit_initial,
    replay_days,
)
from fraud_core.drift.replay.stream_transactions import suppress_chargebacks, to_stream
from fraud_core.errors import ParameterError
from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.evaluation.study_table import Measurement
from fraud_core.model.estimators import EstimatorConfig

PLAIN, SUPPRESSED = "plain", "suppressed_labels"
WINDOWS_DAYS = (1, 7)


@dataclass(frozen=True)
class StreamRun:
    """One seed: each stream replayed.

    Attributes
    ----------
    days
        By what changes: ``plain``, ``suppressed_labels``, and the drifts of the simulator that were
        asked for.
    change_day
        First day of the change.
    payments, fraud_share
        Of the plain stream.
    """

    days: dict[str, list[Day]]
    change_day: int
    payments: int
    fraud_share: float


def stream_study(
    setting: Mapping[str, Any],
    *,
    estimator: EstimatorConfig,
    thresholds: Mapping[str, float],
    review_cost_eur: float,
    seed: int,
    rng: np.random.Generator,
) -> list[StreamRun]:
    """Replay the streams of every seed.

    Parameters
    ----------
    setting
        ``stream`` (settings of the simulator), the fields of `DailySchedule`, ``change_day``,
        ``suppressed_share``, ``drifts`` (size by kind; ``covariate`` or ``new_pattern``, which
        leave the draws of the simulator as they are), ``n_scenarios`` and ``n_seeds``.

    Raises
    ------
    ParameterError
        When the change does not fall into the days that are replayed.
    """
    schedule = DailySchedule(**{f.name: setting[f.name] for f in fields(DailySchedule)})
    n_days = StreamSettings(**setting["stream"]).n_days
    if not schedule.start <= setting["change_day"] < n_days:
        raise ParameterError(
            f"replay.change_day: expected a day from {schedule.start}, where the replay starts, "
            f"to before {n_days}, "
            f"where the stream ends, got {setting['change_day']}"
        )
    return [
        _run(
            setting,
            schedule,
            estimator=estimator,
            thresholds=thresholds,
            review_cost_eur=review_cost_eur,
            seed=seed + k,
            rng=rng,
        )
        for k in range(setting["n_seeds"])
    ]


def stream_rows(runs: Sequence[StreamRun]) -> Iterator[Measurement]:
    """Figures over the seeds: verdicts where nothing
    changed, days until a change was seen, euros until then.

    Yields
    ------
    Measurement
        Of a stream by `group` and of a retraining policy by `model`. A mean over seeds has the
        interval of Student's t; with one seed it stands alone. Days until a change was seen are of
        the seeds in which it was. ``until_named_eur`` is what the days from the change until it was
        named, or until the stream ended, cost more than the same days of the plain stream under
        regular retraining; ``after_change_eur`` is the cost of all days after the change.
    """
    first = runs[0]
    yield Measurement("seeds", len(runs))
    yield Measurement("days_watched", len(_after(first, PLAIN)))
    yield Measurement("payments", first.payments)
    yield Measurement("fraud_share", first.fraud_share)
    shares: dict[str, list[float]] = {
        "material_day_share": [
            float(np.mean([d.features == "material" for d in r.days[PLAIN]])) for r in runs
        ],
        "attack_day_share": [
            float(np.mean([d.cause in ATTACKS for d in r.days[PLAIN]])) for r in runs
        ],
        "labels_known_share": [
            r.days[PLAIN][-1].frauds_known / r.days[PLAIN][-1].frauds for r in runs
        ],
    }
    for metric, by_seed in shares.items():
        yield Measurement.of(metric, _mean(by_seed), group=PLAIN)
    for name in first.days:
        for policy in POLICIES:
            cost = _mean([_cost(_after(run, name), policy) for run in runs])
            yield Measurement.of("after_change_eur", cost, model=policy, group=name)
        if name != PLAIN:
            yield from _detection(runs, name)


def detection_words(runs: Sequence[StreamRun]) -> str:
    """In how many streams each change was named and seen, and on which day after it, in words."""
    return "; ".join(
        f"{name.replace('_', ' ')} {_in_words('named', _named(runs, name, name))} and "
        f"{_in_words('seen by the monitor', _seen(runs, name))}"
        for name in runs[0].days
        if name != PLAIN
    )


def _run(
    setting: Mapping[str, Any],
    schedule: DailySchedule,
    *,
    estimator: EstimatorConfig,
    thresholds: Mapping[str, float],
    review_cost_eur: float,
    seed: int,
    rng: np.random.Generator,
) -> StreamRun:
    change, settings = setting["change_day"], setting["stream"]
    drifting = {
        kind: StreamSettings(**settings, drift=kind, drift_day=change, drift_size=size)
        for kind, size in setting["drifts"].items()
    }
    plain = simulate_stream(StreamSettings(**settings), seed=seed)
    suppressed = suppress_chargebacks(plain, setting["suppressed_share"], from_day=change, rng=rng)
    streams: dict[str, pl.DataFrame] = {PLAIN: plain, SUPPRESSED: suppressed}
    streams |= {kind: simulate_stream(changed, seed=seed) for kind, changed in drifting.items()}
    warm_start, days = None, {}
    for name, events in streams.items():
        rows = to_stream(events, windows_days=WINDOWS_DAYS)
        warm_start = warm_start or fit_initial(
            rows,
            schedule,
            estimator=estimator,
            n_bins=2 * int(thresholds["n_bins"]),
            n_scenarios=setting["n_scenarios"],
            seed=seed,
            rng=rng,
        )
        days[name] = replay_days(
            rows,
            schedule,
            warm_start,
            estimator=estimator,
            thresholds=thresholds,
            review_cost_eur=review_cost_eur,
            until=StreamSettings(**settings).n_days,
            rng=rng,
        )
    return StreamRun(days, change, plain.height, float(plain.select(pl.col("label").mean()).item()))


def _detection(runs: Sequence[StreamRun], name: str) -> Iterator[Measurement]:
    """How often and how soon a change was named and was seen
    by the monitor, and the extra cost until it was named.
    """
    named, seen = _named(runs, name, name), _seen(runs, name)
    extra = [
        [
            changed.cost_eur["regular"] - plain.cost_eur["regular"]
            for changed, plain in zip(_after(run, name), _after(run, PLAIN), strict=True)
        ]
        for run in runs
    ]
    detected = {"named": named, "named_in_plain": _named(runs, PLAIN, name), "monitor": seen}
    for metric, days in detected.items():
        share = proportion_ci(sum(n is not None for n in days), len(runs))
        yield Measurement.of(f"{metric}_share", share, group=name)
    until = [sum(extra_eur[:n]) for extra_eur, n in zip(extra, named, strict=True)]
    yield Measurement.of("until_named_eur", _mean(until), group=name)
    yield Measurement.of(
        "after_extra_eur", _mean([sum(extra_eur) for extra_eur in extra]), group=name
    )
    for metric, days in (("named_days", named), ("monitor_days", seen)):
        known = [n for n in days if n is not None]
        if known:
            yield Measurement.of(metric, _mean(known), group=name)


def _named(runs: Sequence[StreamRun], stream: str, cause: str) -> list[int | None]:
    """Days until a cause was named in a stream, by seed; None where it never was."""
    return [
        days_to_detect(run.days[stream], change_day=run.change_day, causes=[cause]) for run in runs
    ]


def _seen(runs: Sequence[StreamRun], name: str) -> list[int | None]:
    return [days_to_detect(run.days[name], change_day=run.change_day) for run in runs]


def _in_words(what: str, days: Sequence[int | None]) -> str:
    known = sorted(n for n in days if n is not None)
    if not known:
        return f"never {what}"
    when = f"on day {known[0]}" if known[0] == known[-1] else f"on day {known[0]} to {known[-1]}"
    return f"{what} in {len(known)} of {len(days)} streams, {when}"


def _after(run: StreamRun, name: str) -> list[Day]:
    return [day for day in run.days[name] if day.day >= run.change_day]


def _cost(days: Sequence[Day], policy: str) -> float:
    return sum(day.cost_eur[policy] for day in days)


def _mean(values: Sequence[float]) -> Estimate | float:
    """Mean with the 95% interval of Student's t; the value alone when there is one."""
    from scipy.stats import t

    mean, n = float(np.mean(values)), len(values)
    if n == 1:
        return mean
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half)
