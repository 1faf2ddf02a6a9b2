"""How often the tests alarm when nothing changed, and how often when something did: measured, not assumed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.binned import compare_counts
from fraud_core.drift.univariate import bin_edges, bin_shares
from fraud_core.drift.window import FEATURE_SHARE, PreparedWindow, alarms, prepare_window
from fraud_core.model.intervals import Interval, share

WINDOWS_A_SPLIT = 25
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


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
    same_hours
        Share of night windows that alarm against the whole day and against the same hours.
    """

    false_alarm_rate: Interval
    by_rows: dict[int, Interval]
    power: dict[str, Interval]
    same_hours: dict[str, Interval]


def calibrate(
    v0: np.ndarray, v1: np.ndarray, hour: np.ndarray, names: Sequence[str], *, aa_windows: Mapping[int, int],
    power_rows: int, power_windows: int, limits: Mapping[str, float], rng: np.random.Generator,
) -> Calibration:  # fmt: skip
    """Measure false alarms on re-split rows of both versions, and power on changed rows of v0.

    Parameters
    ----------
    v0, v1
        Features, shapes (n, n_features) and (m, n_features); labels play no part, so the seal of v1 holds.
    hour
        Hour of the day of each row of v0, whole numbers.
    aa_windows
        Number of windows by rows of a window; sizes above half of the rows are left out.
    """
    pool, setting = np.concatenate([v0, v1]), {"n_bins": int(limits["n_bins"]), "alpha": limits["alpha"]}
    rates = {
        n: false_alarm_rate(pool, names, n_rows=n, n_windows=w, rng=rng, **setting)["any"]
        for n, w in aa_windows.items()
        if n <= len(pool) // 2
    }
    n_windows = {n: aa_windows[n] for n in rates}
    alarmed = sum(round(rate.value * n_windows[n]) for n, rate in rates.items())
    order = rng.permutation(len(v0))
    before, after = v0[order[: len(v0) // 2]], v0[order[len(v0) // 2 :]]
    reference = prepare_window(before, names, n_bins=setting["n_bins"], rng=rng)
    scale, n_rows = v0.std(axis=0), min(power_rows, len(after) // 2)
    changes = {
        "one_feature": one_feature(0.25, scale), "all_features": all_features(0.05, scale),
        "some_rows": some_rows(0.1, 2.0, scale),
    }  # fmt: skip
    found = {
        name: power(reference, after, change, n_rows=n_rows, n_windows=power_windows, alpha=limits["alpha"], rng=rng)
        for name, change in changes.items()
    }
    return Calibration(
        share(alarmed, sum(n_windows.values())), rates,
        {name: rates_of["any"] for name, rates_of in found.items()} | {
            "psi_010_n2000": index_power(
                before, stability_index(0.1, before, n_bins=setting["n_bins"]), after,
                n_rows=min(2000, len(after) // 2), n_windows=power_windows,
                psi_limit=limits["psi_limit"], rng=rng, **setting,
            )
        },
        same_hours(
            v0, hour, night=range(6), n_rows=min(1000, np.isin(hour, range(6)).sum() // 4), n_windows=power_windows,
            alpha=limits["alpha"], n_bins=setting["n_bins"], rng=rng,
        ),
    )  # fmt: skip


def false_alarm_rate(
    pool: np.ndarray,
    names: Sequence[str],
    *,
    n_rows: int,
    n_windows: int,
    n_bins: int,
    alpha: float,
    rng: np.random.Generator,
) -> dict[str, Interval]:
    """Share of windows that alarm although reference and window are random parts of the same rows.

    Parameters
    ----------
    pool
        Shape (n, n_features); it is split anew into a reference and windows of `n_rows` rows, none in two windows.
    n_rows
        Rows of a window, at most half of the pool.
    n_windows
        Windows judged.

    Returns
    -------
    dict
        For ``any`` test and for each family of tests, with the exact 95% interval.
    """
    if n_rows > len(pool) // 2:
        raise ValueError(f"n_rows: expected at most half of the {len(pool)} rows, got {n_rows}")
    found: list[dict[str, bool]] = []
    while len(found) < n_windows:
        order = rng.permutation(len(pool))
        rest = len(pool) - len(pool) // 2
        reference = prepare_window(pool[order[rest:]], names, n_bins=n_bins, rng=rng)
        for k in range(min(rest // n_rows, WINDOWS_A_SPLIT, n_windows - len(found))):
            window = pool[order[k * n_rows : (k + 1) * n_rows]]
            found.append(alarms(reference, window, alpha=alpha, rng=rng))
    return _rates(found)


def power(
    reference: PreparedWindow,
    pool: np.ndarray,
    change: Change,
    *,
    n_rows: int,
    n_windows: int,
    alpha: float,
    rng: np.random.Generator,
) -> dict[str, Interval]:
    """Share of windows that alarm after a change; rows are drawn from a pool that is not in the reference.

    Parameters
    ----------
    change
        Takes a window of shape (n_rows, n_features) and a generator, and returns the changed window.
    """
    windows = (pool[rng.choice(len(pool), n_rows, replace=False)] for _ in range(n_windows))
    return _rates([alarms(reference, change(window, rng), alpha=alpha, rng=rng) for window in windows])


def one_feature(deviations: float, scale: np.ndarray) -> Change:
    """Move one feature, drawn for each window, by so many standard deviations; `scale` has shape (n_features,)."""

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        k = rng.integers(window.shape[1])
        return window + deviations * scale[k] * (np.arange(window.shape[1]) == k)

    return change


def all_features(deviations: float, scale: np.ndarray) -> Change:
    """Move every feature by so many standard deviations, each up or down by chance."""

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return window + deviations * scale * rng.choice([-1.0, 1.0], window.shape[1])

    return change


def some_rows(share_of_rows: float, deviations: float, scale: np.ndarray) -> Change:
    """Move one feature of a share of the rows."""

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        out, k = window.copy(), rng.integers(window.shape[1])
        out[rng.random(len(window)) < share_of_rows, k] += deviations * scale[k]
        return out

    return change


def stability_index(index: float, reference: np.ndarray, *, n_bins: int) -> Change:
    """Draw one feature of a window anew, so that its stability index to `reference` is `index`.

    The shares of the bins are tilted from low to high by the factor that gives the index.
    """
    edges = [bin_edges(column, n_bins) for column in reference.T]

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        out, k = window.copy(), rng.integers(window.shape[1])
        shares = bin_shares(reference[:, k], edges[k])
        position = np.cumsum(shares) - shares / 2
        low, high = 0.0, 20.0
        for _ in range(60):
            middle = (low + high) / 2
            tilted = shares * np.exp(middle * position)
            tilted /= tilted.sum()
            used = shares > 0
            reached = float(np.sum((tilted - shares)[used] * np.log(tilted[used] / shares[used])))
            low, high = (middle, high) if reached < index else (low, middle)
        row_bin = np.searchsorted(edges[k], reference[:, k], side="left")
        weight = (tilted / np.maximum(shares, 1e-300))[row_bin]
        out[:, k] = reference[rng.choice(len(reference), len(window), p=weight / weight.sum()), k]
        return out

    return change


def same_hours(
    rows: np.ndarray, hour: np.ndarray, *, night: range, n_rows: int, n_windows: int, alpha: float,
    n_bins: int, rng: np.random.Generator,
) -> dict[str, Interval]:  # fmt: skip
    """Share of windows of night rows whose features alarm: against the whole day, and against the same hours.

    Half of the rows are the reference, windows come from the other half, so that only the hour differs.

    Returns
    -------
    dict
        ``whole_day`` and ``same_hours``.
    """
    from fraud_core.drift.monitor import judge
    from fraud_core.drift.reference import build_reference

    order = rng.permutation(len(rows))
    before, after = order[: len(rows) // 2], order[len(rows) // 2 :]
    names = [str(k) for k in range(rows.shape[1])]
    references = {
        "whole_day": build_reference(rows[before], names, n_bins=n_bins),
        "same_hours": build_reference(rows[before], names, n_bins=n_bins, hour=hour[before]),
    }
    at_night = after[np.isin(hour[after], list(night))]
    alarmed = dict.fromkeys(references, 0)
    for _ in range(n_windows):
        window = rng.choice(at_night, n_rows, replace=False)
        for name, reference in references.items():
            strata = np.bincount(hour[window], minlength=24) if len(reference.counts) == 24 else np.array([n_rows])
            found = judge(reference, reference.count(rows[window]), strata, minimum_rows=1, psi_limit=0.0, alpha=alpha)
            alarmed[name] += found.state != "stable"
    return {name: share(count, n_windows) for name, count in alarmed.items()}


def index_power(
    reference: np.ndarray, change: Change, pool: np.ndarray, *, n_rows: int, n_windows: int, n_bins: int,
    psi_limit: float, alpha: float, rng: np.random.Generator,
) -> Interval:  # fmt: skip
    """Share of windows in which a feature is called drifted, practical limit included, after a change of one."""
    from fraud_core.drift.binned import benjamini_hochberg

    edges = [bin_edges(column, n_bins) for column in reference.T]
    shares = [bin_shares(column, cuts) for column, cuts in zip(reference.T, edges, strict=True)]
    found = 0
    for _ in range(n_windows):
        window = change(pool[rng.choice(len(pool), n_rows, replace=False)], rng)
        drifts = [
            compare_counts(shares[k], len(reference), np.rint(bin_shares(window[:, k], edges[k]) * n_rows))
            for k in range(window.shape[1])
        ]
        adjusted = benjamini_hochberg(np.array([drift.p_value for drift in drifts]))
        found += any(
            p <= FEATURE_SHARE * alpha and drift.high >= psi_limit for p, drift in zip(adjusted, drifts, strict=True)
        )
    return share(found, n_windows)


def _rates(found: Sequence[dict[str, bool]]) -> dict[str, Interval]:
    families = {name: sum(one[name] for one in found) for name in found[0]}
    counts = {"any": sum(any(one.values()) for one in found)} | families
    return {name: share(count, len(found)) for name, count in counts.items()}
