"""Differences between groups at an operating threshold, with exact intervals and three verdicts."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

Verdict = Literal["pass", "fail", "insufficient evidence", "not assessable"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class GroupRate:
    """A rate in one group, with its exact interval.

    Attributes
    ----------
    successes, trials
        Counts behind the rate.
    rate
        ``successes / trials``; NaN when there is no trial.
    low, high
        Exact 95% interval; [0, 1] when there is no trial.
    """

    group: str
    successes: int
    trials: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """The largest difference of a rate between groups.

    Attributes
    ----------
    value
        In [0, 1]; 0 means parity, larger means more disparity.
    low, high
        95% bootstrap interval.
    verdict
        ``fail`` when the whole interval lies above the limit, ``pass`` when it lies below it.
    reason
        Why, in words.
    """

    value: float
    low: float
    high: float
    verdict: Verdict
    reason: str


def clopper_pearson(successes: int, trials: int) -> tuple[float, float]:
    """The exact 95% interval of a proportion; [0, 1] without trials.

    References
    ----------
    C. Clopper and E. Pearson (1934), The use of confidence or fiducial limits.

    Examples
    --------
    >>> low, high = clopper_pearson(11, 11)
    >>> round(low, 3), high
    (0.715, 1.0)
    """
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes > 0 else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high


def rates_by_group(outcome: np.ndarray, counted: np.ndarray, sensitive_features: np.ndarray) -> list[GroupRate]:
    """The share of `outcome` among the `counted` rows of each group, groups in sorted order.

    Parameters
    ----------
    outcome, counted
        Boolean, shape (n_samples,). Selection rate: outcome is the decision, counted is every row. Recall: outcome is
        the decision, counted are the true positives' rows.
    sensitive_features
        Group of each row, shape (n_samples,).

    Examples
    --------
    >>> found = rates_by_group(np.array([True, False, True]), np.array([True, True, True]), np.array(["a", "a", "b"]))
    >>> [(rate.group, rate.rate) for rate in found]
    [('a', 0.5), ('b', 1.0)]
    """
    found = []
    for group in np.unique(sensitive_features):
        rows = (sensitive_features == group) & counted
        trials, successes = int(rows.sum()), int((outcome & rows).sum())
        rate = successes / trials if trials else float("nan")
        found.append(GroupRate(str(group), successes, trials, rate, *clopper_pearson(successes, trials)))
    return found


def audit_difference(
    outcome: np.ndarray,
    counted: np.ndarray,
    sensitive_features: np.ndarray,
    *,
    limit: float,
    n_replicates: int,
    rng: np.random.Generator,
) -> Difference:
    """The largest difference of a rate between any two groups, and whether it is tolerable.

    Parameters
    ----------
    outcome, counted, sensitive_features
        As in `rates_by_group`.
    limit
        Largest tolerable difference, in [0, 1].
    n_replicates
        Bootstrap resamples; each group is resampled apart, by its exact binomial distribution.
    rng
        Source of the resamples.

    Notes
    -----
    The plug-in difference of several groups is biased upwards: noise alone makes it positive. The interval is the
    basic bootstrap interval, which reflects that bias away; with two groups or more and few rows it reaches zero.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> group = np.repeat(["a", "b"], 1000)
    >>> outcome = np.arange(2000) % 1000 < np.repeat([500, 100], 1000)
    >>> audit_difference(outcome, np.ones(2000, bool), group, limit=0.1, n_replicates=200, rng=rng).verdict
    'fail'
    """
    rates = rates_by_group(outcome, counted, sensitive_features)
    if len(rates) < 2:
        return Difference(float("nan"), 0.0, 1.0, "not assessable", f"only one group: {rates[0].group}")
    empty = [rate.group for rate in rates if not rate.trials]
    if empty:
        return Difference(float("nan"), 0.0, 1.0, "insufficient evidence", f"no row to count in group {empty[0]}")
    trials = np.array([rate.trials for rate in rates])
    share = np.array([rate.rate for rate in rates])
    value = float(np.ptp(share))
    replicates = np.ptp(rng.binomial(trials, share, size=(n_replicates, len(rates))) / trials, axis=1)
    lower, upper = np.quantile(replicates, [0.025, 0.975])
    low, high = float(np.clip(2 * value - upper, 0, 1)), float(np.clip(2 * value - lower, 0, 1))
    if low > limit:
        return Difference(value, low, high, "fail", f"the whole interval lies above the limit of {limit:g}")
    if high < limit:
        return Difference(value, low, high, "pass", f"the whole interval lies below the limit of {limit:g}")
    smallest = rates[int(np.argmin(trials))]
    return Difference(
        value, low, high, "insufficient evidence",
        f"the interval holds the limit of {limit:g}; group {smallest.group} counts only {smallest.trials} rows",
    )  # fmt: skip


def band(values: np.ndarray, edges: list[int]) -> np.ndarray:
    """Name the band of each value: ``edges[k]`` to ``edges[k + 1] − 1``, both included.

    Raises
    ------
    ValueError
        When a value lies outside the edges.

    Examples
    --------
    >>> band(np.array([18, 30, 45]), [18, 30, 60])
    array(['18-29', '30-59', '30-59'], dtype='<U5')
    """
    if values.min() < edges[0] or values.max() >= edges[-1]:
        raise ValueError(
            f"age_bands: expected edges around {values.min()} to {values.max()}, got {edges[0]} to {edges[-1]}"
        )
    names = np.array([f"{low}-{high - 1}" for low, high in pairwise(edges)])
    return names[np.searchsorted(edges, values, side="right") - 1]
