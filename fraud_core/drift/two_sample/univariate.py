"""One feature in two windows: effect size first, p-value
second, and "insufficient_data" when a window is too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fraud_core.drift.two_sample.binned import (
    MINIMUM_ROWS,
    BinnedDrift,
    State,
    benjamini_hochberg,
    bin_edges,
    bin_shares,
    compare_counts,
)
from fraud_core.drift.two_sample.distances import distance_p_value, require_finite
from fraud_core.drift.two_sample.prepared_reference import (
    PreparedReference,
    binned_counts,
    prepare_reference,
    sorted_columns,
)
from fraud_core.drift.two_sample.registry import distances
from fraud_core.drift.two_sample.statistic import FeaturePair


@dataclass(frozen=True)
class FeatureDrift:
    """What one feature did between two windows.

    Attributes
    ----------
    population_stability_index, low, high
        At least 0, 0 means equal shares in every bin; with the 95% interval of `compare_counts`.
    distances
        Every statistic of `fraud_core.drift.two_sample.registry`, by name. The Wasserstein distance
        is in the feature's own unit when the reference is constant.
    missing_change
        Share of missing values in the current window less that in the reference, in [-1, 1].
    p_value
        Of the Kolmogorov–Smirnov test and of the share of missing values (a category: of the
        chi-square test), after Benjamini–Hochberg over all features of the call.
    state
        ``stable``: not statistically significant. ``significant``: it is, and the whole interval of
        the index lies below the practical-significance threshold. ``material``: it is, and the
        interval reaches the threshold. ``insufficient_data``: too few values to say.
    """

    feature: str
    population_stability_index: float
    ci_low: float
    ci_high: float
    distances: dict[str, float]
    missing_change: float
    p_value: float
    state: State


def population_stability_index(
    reference: np.ndarray, current: np.ndarray, *, n_bins: int = 10
) -> float:
    """Σ (c − r) · ln(c / r) over bins cut at the
    reference's quantiles; at least 0, 0 means no change.

    Parameters
    ----------
    reference, current
        Finite values, shapes (n,) and (m,), neither empty.
    n_bins
        Number of bins before equal edges are merged. Libraries differ (10 and 30 are both in use);
        10 here.

    Raises
    ------
    ValueError
        When a window is empty or holds NaN or infinities.

    Notes
    -----
    A share of zero in one window is set to half a row, so the index stays finite; a bin that is
    empty in both adds nothing. Among rows that did not change it is about (bins − 1)(1/n + 1/m),
    never exactly 0.

    References
    ----------
    N. Siddiqi (2006), Credit Risk Scorecards, chapter 6; B. Yurdakul (2018), Statistical properties
    of the PSI.

    Examples
    --------
    >>> population_stability_index(np.arange(1000.0), np.arange(1000.0))
    0.0
    """
    require_finite(reference, current)
    edges = bin_edges(reference, n_bins)
    counts = np.rint(bin_shares(current, edges) * len(current))
    return compare_counts(
        bin_shares(reference, edges), len(reference), counts
    ).population_stability_index


def compare_window(
    reference: PreparedReference,
    current: np.ndarray,
    *,
    psi_threshold: float,
    alpha: float,
    categories: Sequence[FeatureDrift] = (),
) -> list[FeatureDrift]:
    """Compare every feature of a window with a prepared reference.

    Parameters
    ----------
    current
        Shape (m, n_features), columns as in the reference; NaN means missing.
    psi_threshold
        Practical-significance threshold of the stability index.
    alpha
        False discovery rate over the features.
    categories
        From `compare_category`, of the same two windows; their states are assigned with
        those of the other features.

    Returns
    -------
    list of FeatureDrift
        In column order, the categories last. With fewer than 200 rows in a window, or no value of a
        feature in either, it is ``insufficient_data``.
    """
    columns = sorted_columns(current, reference.names, "current")
    drifts = [_compare_column(reference, k, columns[k], len(current)) for k in range(len(columns))]
    return assign_states(
        [*drifts, *categories],
        n_rows=min(reference.n_rows, len(current)),
        psi_threshold=psi_threshold,
        alpha=alpha,
    )


def compare_features(
    reference: np.ndarray,
    current: np.ndarray,
    names: list[str],
    *,
    n_bins: int,
    psi_threshold: float,
    alpha: float,
) -> list[FeatureDrift]:
    """Compare every feature of two windows, shapes (n,
    n_features) and (m, n_features); see `compare_window`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(500, 2)), rng.normal(size=(500, 2)) + [0, 1]
    >>> [
    ...     drift.state
    ...     for drift in compare_features(
    ...         a, b, ["x", "y"], n_bins=10, psi_threshold=0.1, alpha=0.01
    ...     )
    ... ]
    ['stable', 'material']
    """
    return compare_window(
        prepare_reference(reference, names, n_bins=n_bins),
        current,
        psi_threshold=psi_threshold,
        alpha=alpha,
    )


def compare_category(
    feature: str, reference: Sequence[str | None], current: Sequence[str | None]
) -> FeatureDrift:
    """Compare a feature of categories; a category that the
    reference does not hold has a bin of its own, as has null.

    Returns
    -------
    FeatureDrift
        With its own p-value and the state ``insufficient_data``; `assign_states` gives it a state
        with the other features.

    Raises
    ------
    ValueError
        When a window is empty.

    Examples
    --------
    >>> drift = compare_category("country", ["FR"] * 300, ["FR"] * 200 + ["XX"] * 100)
    >>> drift.p_value < 1e-9, drift.distances["jensen_shannon"] > 0.3
    (True, True)
    """
    if not len(reference) or not len(current):
        raise ValueError(
            f"{feature}: expected rows in both windows, found {len(reference)} and {len(current)}"
        )
    places = {value: place for place, value in enumerate(dict.fromkeys([*reference, *current]))}
    before, after = (
        np.bincount([places[value] for value in values], minlength=len(places))
        for values in (reference, current)
    )
    missing = (
        (after[places[None]] / len(current) - before[places[None]] / len(reference))
        if None in places
        else 0.0
    )
    binned = compare_counts(before / len(reference), len(reference), after)
    nothing = np.empty(0)
    pair = FeaturePair(nothing, nothing, before / len(reference), after / len(current))
    return _drift(feature, binned, distances(pair), float(missing), binned.p_value)


def assign_states(
    drifts: Sequence[FeatureDrift], *, n_rows: int, psi_threshold: float, alpha: float
) -> list[FeatureDrift]:
    """Adjust the p-values of features for their number
    and give each its state; NaN stays ``insufficient_data``.
    """
    adjusted = benjamini_hochberg(np.array([drift.p_value for drift in drifts]))
    out = []
    for drift, p_value in zip(drifts, adjusted, strict=True):
        binned = BinnedDrift(
            drift.population_stability_index, drift.ci_low, drift.ci_high, float(p_value)
        )
        sufficient = n_rows >= MINIMUM_ROWS and np.isfinite(p_value)
        state: State = "insufficient_data"
        if sufficient:
            state = binned.state(psi_threshold=psi_threshold, alpha=alpha)
        out.append(replace(drift, p_value=float(p_value), state=state))
    return out


def feature_p_values(reference: PreparedReference, current: np.ndarray) -> np.ndarray:
    """The unadjusted p-value of each feature, shape
    (n_features,): the test of `compare_window` without the sizes.
    """
    columns = sorted_columns(current, reference.names, "current")
    nothing = np.empty(0)
    pairs = [
        FeaturePair(before, column, nothing, nothing)
        for before, column in zip(reference.columns, columns, strict=True)
    ]
    return np.array([_column_p_value(pair, reference.n_rows, len(current)) for pair in pairs])


def _drift(
    feature: str,
    binned: BinnedDrift,
    distances: dict[str, float],
    missing: float,
    p_value: float,
) -> FeatureDrift:
    index = binned.population_stability_index
    return FeatureDrift(
        feature,
        index,
        binned.ci_low,
        binned.ci_high,
        distances,
        missing,
        p_value,
        "insufficient_data",
    )


def _compare_column(
    reference: PreparedReference, k: int, column: np.ndarray, n_current: int
) -> FeatureDrift:
    shares = reference.shares[k]
    counts = binned_counts(column, reference.edges[k], n_current)
    binned = compare_counts(shares, reference.n_rows, counts)
    pair = FeaturePair(reference.columns[k], column, shares, counts / n_current)
    p_value = _column_p_value(pair, reference.n_rows, n_current)
    # without any value on one side the two distributions are as far apart as they can be
    apart = {} if pair.has_values or np.isnan(p_value) else {"kolmogorov_smirnov": 1.0}
    missing = counts[-1] / n_current - shares[-1]
    return _drift(reference.names[k], binned, distances(pair) | apart, float(missing), p_value)


def _column_p_value(pair: FeaturePair, n_before: int, n_current: int) -> float:
    """The p-value of the Kolmogorov–Smirnov test and of the missing values; NaN without a value."""
    before, column = pair.reference, pair.current
    if not len(before) and not len(column):
        return np.nan
    p_value = 1.0
    if pair.has_values:
        p_value = distance_p_value(pair.kolmogorov_smirnov, len(before), len(column))
    if len(before) == n_before and len(column) == n_current:
        return p_value
    there = np.array([len(before), n_before - len(before)]) / n_before
    missing = compare_counts(
        there, n_before, np.array([len(column), n_current - len(column)])
    ).p_value
    return min(1.0, 2 * min(p_value, missing))
