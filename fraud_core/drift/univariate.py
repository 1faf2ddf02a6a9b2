"""One feature in two windows: effect size first, p-value second, and "unknown" when a window is too small."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fraud_core.drift.binned import benjamini_hochberg

MINIMUM_ROWS = 200
State = Literal["stable", "drifted", "unknown"]


@dataclass(frozen=True)
class FeatureDrift:
    """What one feature did between two windows.

    Attributes
    ----------
    population_stability_index
        At least 0, 0 means equal shares in every bin.
    kolmogorov_smirnov
        Largest distance of the two empirical distributions, in [0, 1].
    p_value
        Of the Kolmogorov–Smirnov statistic, after Benjamini–Hochberg over all features of the call.
    state
        ``drifted`` needs both a large effect and a small p-value; ``unknown`` says the window is too small.
    """

    feature: str
    population_stability_index: float
    kolmogorov_smirnov: float
    p_value: float
    state: State


def bin_edges(reference: np.ndarray, n_bins: int) -> np.ndarray:
    """Inner bin edges: quantiles of the reference that are values of it, equal ones merged.

    A value that takes several quantiles gets a bin of its own, so that a constant feature that moves is seen to move.

    Examples
    --------
    >>> bin_edges(np.arange(100.0), 4)
    array([24., 49., 74.])
    >>> len(bin_edges(np.zeros(100), 4))
    2
    """
    quantiles = np.quantile(reference, np.linspace(0, 1, n_bins + 1)[1:-1], method="inverted_cdf")
    edges, taken = np.unique(quantiles, return_counts=True)
    repeated = edges if np.ptp(reference) == 0 else edges[taken > 1]
    return np.union1d(edges, np.nextafter(repeated, -np.inf))


def bin_shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the values in each bin, shape (len(edges) + 1,); bins are closed on the right.

    Examples
    --------
    >>> bin_shares(np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0]))
    array([0.75, 0.25])
    """
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) / len(values)


def population_stability_index(reference: np.ndarray, current: np.ndarray, *, n_bins: int = 10) -> float:
    """Σ (c − r) · ln(c / r) over bins cut at the reference's quantiles; at least 0, 0 means no change.

    Parameters
    ----------
    reference, current
        Finite values, shapes (n,) and (m,), neither empty.
    n_bins
        Number of bins before equal edges are merged. Libraries differ (10 and 30 are both in use); 10 here.

    Raises
    ------
    ValueError
        When a window is empty or holds NaN or infinities.

    Notes
    -----
    A share of zero in one window is set to half a row, so the index stays finite; a bin that is empty in both adds
    nothing. Among rows that did not change it
    is about (bins − 1)(1/n + 1/m), never exactly 0.

    References
    ----------
    N. Siddiqi (2006), Credit Risk Scorecards, chapter 6; B. Yurdakul (2018), Statistical properties of the PSI.

    Examples
    --------
    >>> population_stability_index(np.arange(1000.0), np.arange(1000.0))
    0.0
    """
    _require_finite(reference, current)
    edges = bin_edges(reference, n_bins)
    r, c = bin_shares(reference, edges), bin_shares(current, edges)
    used = (r > 0) | (c > 0)
    r, c = np.maximum(r[used], 0.5 / len(reference)), np.maximum(c[used], 0.5 / len(current))
    return float(np.sum((c - r) * np.log(c / r)))


def kolmogorov_smirnov(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """The two-sample Kolmogorov–Smirnov statistic, in [0, 1], and its asymptotic p-value.

    Examples
    --------
    >>> statistic, p_value = kolmogorov_smirnov(np.arange(100.0), np.arange(100.0) + 50)
    >>> statistic, p_value < 1e-9
    (0.5, True)
    """
    from scipy.stats import ks_2samp

    _require_finite(reference, current)
    found = ks_2samp(reference, current, method="asymp")
    return float(found.statistic), float(found.pvalue)


def compare_features(
    reference: np.ndarray, current: np.ndarray, names: list[str], *, n_bins: int, psi_limit: float, alpha: float
) -> list[FeatureDrift]:
    """Compare every feature of two windows.

    Parameters
    ----------
    reference, current
        Shapes (n, n_features) and (m, n_features), finite.
    names
        The features, in column order.
    n_bins
        Bins of the stability index.
    psi_limit
        Practical limit: a smaller index is no drift, however small the p-value.
    alpha
        False discovery rate over the features.

    Returns
    -------
    list of FeatureDrift
        In column order. With fewer than 200 rows in a window every state is ``unknown``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(500, 2)), rng.normal(size=(500, 2)) + [0, 1]
    >>> [drift.state for drift in compare_features(a, b, ["x", "y"], n_bins=10, psi_limit=0.1, alpha=0.01)]
    ['stable', 'drifted']
    """
    columns = range(len(names))
    psi = [population_stability_index(reference[:, k], current[:, k], n_bins=n_bins) for k in columns]
    ks = [kolmogorov_smirnov(reference[:, k], current[:, k]) for k in columns]
    adjusted = benjamini_hochberg(np.array([p_value for _, p_value in ks]))
    enough = min(len(reference), len(current)) >= MINIMUM_ROWS

    def state(k: int) -> State:
        if not enough:
            return "unknown"
        return "drifted" if psi[k] >= psi_limit and adjusted[k] <= alpha else "stable"

    return [FeatureDrift(names[k], psi[k], ks[k][0], float(adjusted[k]), state(k)) for k in columns]


def _require_finite(reference: np.ndarray, current: np.ndarray) -> None:
    for window, values in (("reference", reference), ("current", current)):
        if len(values) == 0:
            raise ValueError(f"{window}: expected at least one row, found none")
        if not np.isfinite(values).all():
            raise ValueError(f"{window}: expected finite values, found NaN or infinity; clean or drop those rows")
