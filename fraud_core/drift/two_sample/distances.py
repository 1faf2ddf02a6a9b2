"""Distances of two sets of values or shares."""

import numpy as np


def kolmogorov_smirnov(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """The two-sample Kolmogorov–Smirnov statistic, in [0, 1], and its asymptotic p-value.

    Examples
    --------
    >>> statistic, p_value = kolmogorov_smirnov(np.arange(100.0), np.arange(100.0) + 50)
    >>> statistic, p_value < 1e-9
    (0.5, True)
    """
    require_finite(reference, current)
    distance = largest_distance(np.sort(reference), np.sort(current))
    return distance, distance_p_value(distance, len(reference), len(current))


def jensen_shannon(reference_shares: np.ndarray, current_shares: np.ndarray) -> float:
    """Square root of the Jensen–Shannon divergence to base
    2 of two shapes (n_bins,); in [0, 1], 0 means equal.

    References
    ----------
    D. Endres and J. Schindelin (2003), A new metric for probability distributions.

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    middle = (reference_shares + current_shares) / 2
    divergence = 0.0
    for shares in (reference_shares, current_shares):
        used = shares > 0
        divergence += 0.5 * float(np.sum(shares[used] * np.log2(shares[used] / middle[used])))
    return float(np.sqrt(max(0.0, divergence)))


def wasserstein(reference: np.ndarray, current: np.ndarray) -> float:
    """Mean distance between two sets of ascending values, in their unit; at least 0.

    Examples
    --------
    >>> wasserstein(np.array([0.0, 1.0]), np.array([0.5, 1.5]))
    0.5
    """
    values = np.concatenate([reference, current])
    order = np.argsort(values, kind="stable")
    values = values[order]
    before = np.cumsum(order < len(reference))
    after = np.arange(1, len(values) + 1) - before
    gap = np.abs(before[:-1] / len(reference) - after[:-1] / len(current))
    return float(gap @ np.diff(values))


def largest_distance(before: np.ndarray, after: np.ndarray) -> float:
    """Kolmogorov–Smirnov distance of ascending values;
    it is reached at, or just below, a value of `after`.
    """
    largest = 0.0
    for side in ("left", "right"):
        gap = before.searchsorted(after, side=side) / len(before) - after.searchsorted(
            after, side=side
        ) / len(after)
        largest = max(largest, float(np.abs(gap).max()))
    return largest


def distance_p_value(distance: float, n: int, m: int) -> float:
    """Asymptotic p-value of a Kolmogorov–Smirnov distance of n and m values."""
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, max(1, round(n * m / (n + m)))))


def require_finite(reference: np.ndarray, current: np.ndarray) -> None:
    """Refuse an empty window and one that holds NaN
    or infinities, with a ValueError that says which.
    """
    for window, values in (("reference", reference), ("current", current)):
        if len(values) == 0:
            raise ValueError(f"{window}: expected at least one row, found none")
        if not np.isfinite(values).all():
            raise ValueError(
                f"{window}: expected finite values, found NaN or infinity; clean or drop those rows"
            )
