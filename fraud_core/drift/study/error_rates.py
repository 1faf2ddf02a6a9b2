"""How often the tests alarm when nothing changed, and
how often when something did: measured, not assumed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.monitoring.reference_histogram import build_reference
from fraud_core.drift.monitoring.window_verdict import evaluate_window
from fraud_core.drift.study.injected_changes import (
    Change,
    all_features,
    one_feature,
    some_rows,
    stability_index,
)
from fraud_core.drift.two_sample.binned import benjamini_hochberg, bin_shares, compare_counts
from fraud_core.drift.two_sample.univariate import feature_p_values
from fraud_core.drift.two_sample.windows import (
    FEATURE_SHARE,
    PreparedWindow,
    alarms,
    prepare_window,
)
from fraud_core.evaluation.bootstrap import Estimate, proportion_ci

WINDOWS_A_SPLIT = 25
NIGHT, DAY = range(6), range(8, 20)
HOUR_ROWS = 1000


@dataclass(frozen=True)
class Calibration:
    """Measured error rates of the window tests.

    Attributes
    ----------
    false_alarm_rate
        Over all sizes together.
    by_rows
        The same for each number of rows of a window.
    power
        Share of changed windows that alarm, by change.
    by_hours
        Share of windows of the night and of the day that alarm against the whole day and against
        the same hours, by (hours, reference).
    """

    false_alarm_rate: Estimate
    by_rows: dict[int, Estimate]
    power: dict[str, Estimate]
    by_hours: dict[tuple[str, str], Estimate]


def calibrate(
    v0: np.ndarray,
    v1: np.ndarray,
    hour: np.ndarray,
    names: Sequence[str],
    *,
    aa_windows: Mapping[int, int],
    power_rows: int,
    power_windows: int,
    thresholds: Mapping[str, float],
    rng: np.random.Generator,
) -> Calibration:
    """Measure false alarms on re-split rows of both versions, and power on changed rows of v0.

    Parameters
    ----------
    v0, v1
        Features, shapes (n, n_features) and (m, n_features); labels play no part, so the seal of v1
        holds.
    hour
        Hour of the day of each row of v0, whole numbers.
    aa_windows
        Number of windows by rows of a window; sizes above half of the rows are left out.
    """
    pool, setting = (
        np.concatenate([v0, v1]),
        {"n_bins": int(thresholds["n_bins"]), "alpha": thresholds["alpha"]},
    )
    rates = {
        n: false_alarm_rate(pool, names, n_rows=n, n_windows=w, rng=rng, **setting)["any"]
        for n, w in aa_windows.items()
        if n <= len(pool) // 2
    }
    n_windows = {n: aa_windows[n] for n in rates}
    alarmed = sum(round(rate.value * n_windows[n]) for n, rate in rates.items())
    by_hours = {
        (name, against): rate
        for name, hours in (("night", NIGHT), ("day", DAY))
        for against, rate in same_hours(
            v0, hour, hours=hours, n_windows=power_windows, rng=rng, **setting
        ).items()
    }
    power = measure_power(
        v0, names, n_rows=power_rows, n_windows=power_windows, thresholds=thresholds, rng=rng
    )
    return Calibration(proportion_ci(alarmed, sum(n_windows.values())), rates, power, by_hours)


def measure_power(
    rows: np.ndarray,
    names: Sequence[str],
    *,
    n_rows: int,
    n_windows: int,
    thresholds: Mapping[str, float],
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Share of the windows that are rates after each change; half of the rows are the reference.

    Returns
    -------
    dict
        ``one_feature`` by a quarter of a standard deviation, ``all_features`` by a twentieth,
        ``some_rows``: a tenth of the rows of one feature by two; and ``psi_010_n2000``, the changed
        feature of 2,000 rows found ``material``.
    """
    n_bins, order = int(thresholds["n_bins"]), rng.permutation(len(rows))
    before, after = rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]
    reference, scale = prepare_window(before, names, n_bins=n_bins, rng=rng), rows.std(axis=0)
    changes = {
        "one_feature": one_feature(0.25, scale),
        "all_features": all_features(0.05, scale),
        "some_rows": some_rows(0.1, 2.0, scale),
    }
    size = min(n_rows, len(after) // 2)
    rates = {
        name: power(
            reference,
            after,
            change,
            n_rows=size,
            n_windows=n_windows,
            alpha=thresholds["alpha"],
            rng=rng,
        )["any"]
        for name, change in changes.items()
    }
    tilt = stability_index(thresholds["psi_threshold"], before, n_bins=n_bins)
    return rates | {
        "psi_010_n2000": index_power(
            reference,
            after,
            tilt,
            n_rows=min(2000, len(after) // 2),
            n_windows=n_windows,
            psi_threshold=thresholds["psi_threshold"],
            alpha=thresholds["alpha"],
            rng=rng,
        )
    }


def false_alarm_rate(
    pool: np.ndarray,
    names: Sequence[str],
    *,
    n_rows: int,
    n_windows: int,
    n_bins: int,
    alpha: float,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Share of windows that alarm although reference and window are random parts of the same rows.

    Parameters
    ----------
    pool
        Shape (n, n_features); it is split again into a reference and windows of `n_rows` rows, none
        in two windows.
    n_rows
        Rows of a window, at most half of the pool.
    n_windows
        Windows tested.

    Returns
    -------
    dict
        For ``any`` test and for each family of tests, with the 95% Clopper–Pearson interval.
    """
    if n_rows > len(pool) // 2:
        raise ValueError(f"n_rows: expected at most half of the {len(pool)} rows, got {n_rows}")
    alarmed: list[dict[str, bool]] = []
    while len(alarmed) < n_windows:
        order = rng.permutation(len(pool))
        rest = len(pool) - len(pool) // 2
        reference = prepare_window(pool[order[rest:]], names, n_bins=n_bins, rng=rng)
        for k in range(min(rest // n_rows, WINDOWS_A_SPLIT, n_windows - len(alarmed))):
            window = pool[order[k * n_rows : (k + 1) * n_rows]]
            alarmed.append(alarms(reference, window, alpha=alpha, rng=rng))
    return _rates(alarmed)


def power(
    reference: PreparedWindow,
    pool: np.ndarray,
    change: Change,
    *,
    n_rows: int,
    n_windows: int,
    alpha: float,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Share of windows that alarm after a change; rows
    are drawn from a pool that is not in the reference.

    Parameters
    ----------
    change
        Takes a window of shape (n_rows, n_features) and a generator, and returns the changed
        window.
    """
    windows = (pool[rng.choice(len(pool), n_rows, replace=False)] for _ in range(n_windows))
    return _rates(
        [alarms(reference, change(window, rng), alpha=alpha, rng=rng) for window in windows]
    )


def same_hours(
    rows: np.ndarray,
    hour: np.ndarray,
    *,
    hours: range,
    n_windows: int,
    alpha: float,
    n_bins: int,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Share of windows of some hours whose features alarm:
    against the whole day, and against the same hours.

    Half of the rows are the reference, windows come from the other half, so that only the hour
    differs.

    Returns
    -------
    dict
        ``whole_day`` and ``same_hours``.
    """
    order = rng.permutation(len(rows))
    before, after = order[: len(rows) // 2], order[len(rows) // 2 :]
    names = [str(k) for k in range(rows.shape[1])]
    references = {
        "whole_day": build_reference(rows[before], names, n_bins=n_bins),
        "same_hours": build_reference(rows[before], names, n_bins=n_bins, hour=hour[before]),
    }
    of_hours = after[np.isin(hour[after], list(hours))]
    n_rows, alarmed = min(HOUR_ROWS, len(of_hours) // 2), dict.fromkeys(references, 0)
    for _ in range(n_windows):
        window = rng.choice(of_hours, n_rows, replace=False)
        for name, reference in references.items():
            strata = (
                np.bincount(hour[window], minlength=24)
                if len(reference.counts) == 24
                else np.array([n_rows])
            )
            verdict = evaluate_window(
                reference,
                reference.count(rows[window]),
                strata,
                minimum_rows=1,
                psi_threshold=0.0,
                alpha=alpha,
            )
            alarmed[name] += verdict.state != "stable"
    return {name: proportion_ci(count, n_windows) for name, count in alarmed.items()}


def index_power(
    reference: PreparedWindow,
    pool: np.ndarray,
    change: Change,
    *,
    n_rows: int,
    n_windows: int,
    psi_threshold: float,
    alpha: float,
    rng: np.random.Generator,
) -> Estimate:
    """Share of windows in which the feature that was
    changed is material: significant, and up to the threshold.
    """
    by_feature, detected = reference.by_feature, 0
    for _ in range(n_windows):
        drawn = pool[rng.choice(len(pool), n_rows, replace=False)]
        window = change(drawn, rng)
        k = int(np.argmax((window != drawn).any(axis=0)))
        counts = np.append(np.rint(bin_shares(window[:, k], by_feature.edges[k]) * n_rows), 0)
        index = compare_counts(by_feature.shares[k], by_feature.n_rows, counts)
        p_value = benjamini_hochberg(feature_p_values(by_feature, window))[k]
        detected += bool(p_value <= FEATURE_SHARE * alpha and index.ci_high >= psi_threshold)
    return proportion_ci(detected, n_windows)


def _rates(alarmed: Sequence[dict[str, bool]]) -> dict[str, Estimate]:
    families = {name: sum(one[name] for one in alarmed) for name in alarmed[0]}
    counts = {"any": sum(any(one.values()) for one in alarmed)} | families
    return {name: proportion_ci(count, len(alarmed)) for name, count in counts.items()}
