"""Two windows as counts in the same bins: the bins, the
effect size with its interval, the p-value, the verdict.

Needs NumPy alone, so the service can evaluate a window while it decides payments.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

MINIMUM_ROWS = 200
MINIMUM_EXPECTED = 5.0
NORMAL_QUANTILE = 1.959964
State = Literal["stable", "significant", "material", "insufficient_data"]


@dataclass(frozen=True)
class BinnedDrift:
    """What one variable did between a reference and a window, both as counts.

    Attributes
    ----------
    population_stability_index
        Σ (c − r) · ln(c / r), at least 0; 0 means equal shares.
    ci_low, ci_high
        95% interval of the index of the populations, after taking away what chance alone adds.
    p_value
        Of equal distributions; adjusted for the number of variables where a whole window was
        evaluated.
    """

    population_stability_index: float
    ci_low: float
    ci_high: float
    p_value: float

    def state(self, *, psi_threshold: float, alpha: float) -> State:
        """``stable``, or statistically ``significant`` below the
        practical-significance threshold, or else ``material``.

        An index whose interval reaches the threshold counts as material: at the threshold the doubt
        falls on the safe side.
        """
        if self.p_value > alpha:
            return "stable"
        return "material" if self.ci_high >= psi_threshold else "significant"


def bin_edges(reference: np.ndarray, n_bins: int) -> np.ndarray:
    """Inner bin edges: quantiles of the reference that are values of it, equal ones merged.

    A value that takes several quantiles gets a bin of its own, so that a constant feature that
    moves is seen to move.

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
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) / len(
        values
    )


def compare_counts(shares: np.ndarray, rows: float, counts: np.ndarray) -> BinnedDrift:
    """Compare the counts of a window with a reference, over the same bins.

    Parameters
    ----------
    shares
        Shape (n_bins,), shares of the reference, summing to 1.
    rows
        Number of rows behind the shares, positive; need not be whole when several strata were
        mixed.
    counts
        Shape (n_bins,), rows of the window in each bin, at least one in all.

    Returns
    -------
    BinnedDrift
        With its own p-value, not adjusted.

    Raises
    ------
    ValueError
        When either side holds no row.

    Notes
    -----
    A share of zero in one window is set to half a row; a bin that is empty in both adds nothing.
    The p-value is that of the chi-square test of homogeneity over the bins that expect at least
    five rows on the smaller side; the others are pooled, and a surplus of them on that side is
    tested exactly (binomial tail); of the two the smaller p-value counts, doubled. The interval
    takes away the expected value of the index without a change, (bins − 1)(1/n + 1/m), and is
    normal with the variance of the delta method plus that of the index without a change.

    References
    ----------
    B. Yurdakul (2018), Statistical properties of the population stability index, sections 3 and 4.

    Examples
    --------
    >>> same = compare_counts(np.array([0.5, 0.5]), 1000, np.array([500, 500]))
    >>> same.population_stability_index, same.p_value
    (0.0, 1.0)
    >>> compare_counts(np.array([0.5, 0.5]), 1000, np.array([300, 700])).p_value < 1e-9
    True
    """
    window = float(counts.sum())
    if rows <= 0 or window <= 0:
        raise ValueError(
            f"expected rows on both sides, found {rows:g} in the reference and {window:g} in the "
            "window"
        )
    used = (shares > 0) | (counts > 0)
    before, after = (
        np.maximum(shares[used], 0.5 / rows),
        np.maximum(counts[used] / window, 0.5 / window),
    )
    log_ratio = np.log(after / before)
    index = float(np.sum((after - before) * log_ratio))
    noise = 1 / rows + 1 / window
    spread = _variance(after, log_ratio + 1 - before / after) / window
    spread += _variance(before, -log_ratio + 1 - after / before) / rows
    degrees_of_freedom = len(before) - 1
    reach = NORMAL_QUANTILE * math.sqrt(spread + 2 * degrees_of_freedom * noise**2)
    centre = index - degrees_of_freedom * noise
    p_value = _homogeneity(shares, rows, counts, window)
    return BinnedDrift(index, max(0.0, centre - reach), max(0.0, centre + reach), p_value)


def _variance(shares: np.ndarray, gradient: np.ndarray) -> float:
    # shares that were raised to half a row may sum to more than 1
    return max(0.0, float(shares @ gradient**2 - (shares @ gradient) ** 2))


def _homogeneity(shares: np.ndarray, rows: float, counts: np.ndarray, window: float) -> float:
    before, smaller = shares * rows, min(rows, window) / (rows + window)
    common = (before + counts) * smaller >= MINIMUM_EXPECTED
    rare_before, rare_after = float(before[~common].sum()), float(counts[~common].sum())
    b, c, rare = before[common], counts[common].astype(float), rare_before + rare_after
    if rare * smaller >= MINIMUM_EXPECTED:
        b, c, rare = np.append(b, rare_before), np.append(c, rare_after), 0.0
    p_value = 1.0
    if len(b) > 1:
        ratio = math.sqrt(rows / window)
        p_value = chi_square_survival(
            float(np.sum((ratio * c - b / ratio) ** 2 / (b + c))), len(b) - 1
        )
    surplus = round(rare_after if window <= rows else rare_before)
    if rare == 0 or surplus == 0:
        return p_value
    return min(1.0, 2 * min(p_value, binomial_survival(surplus, round(rare), smaller)))


def chi_square_survival(statistic: float, degrees_of_freedom: int) -> float:
    """Probability that a chi-square variable exceeds `statistic`; in [0, 1].

    References
    ----------
    W. Press et al. (2007), Numerical Recipes, section 6.2: series and continued fraction of the
    incomplete gamma.

    Examples
    --------
    >>> round(chi_square_survival(3.841459, 1), 6)
    0.05
    """
    a, x = degrees_of_freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while term > total * 1e-15:
            k += 1
            term *= x / k
            total += term
        return max(0.0, 1 - total * scale)
    b, c = x + 1 - a, 1e300
    d = fraction = 1 / b
    for k in range(1, 10_000):
        b += 2
        numerator = -k * (k - a)
        d, c = 1 / (numerator * d + b), b + numerator / c
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return fraction * scale


def binomial_survival(successes: int, trials: int, probability: float) -> float:
    """Probability of at least `successes` in `trials`; in [0, 1].

    Examples
    --------
    >>> round(binomial_survival(1, 2, 0.5), 9)
    0.75
    """
    if successes <= 0:
        return 1.0
    k = np.arange(successes, trials + 1)
    log_choose = math.lgamma(trials + 1) - np.array(
        [math.lgamma(i + 1) + math.lgamma(trials - i + 1) for i in k]
    )
    return float(
        min(
            1.0,
            np.exp(
                log_choose + k * math.log(probability) + (trials - k) * math.log1p(-probability)
            ).sum(),
        )
    )


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Adjusted p-values that hold the false discovery rate, shape (n,), in the order given.

    A test that could not be made (NaN) stays NaN and does not count among the tests.

    References
    ----------
    Y. Benjamini and Y. Hochberg (1995), Controlling the false discovery rate.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.03]))
    array([0.03, 0.04,  nan, 0.04])
    """
    p_values = np.asarray(p_values, dtype=float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known])]
    raised = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return adjusted
