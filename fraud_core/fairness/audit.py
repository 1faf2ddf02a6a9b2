"""Differences between groups at an operating threshold, with intervals and three verdicts."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fraud_core.evaluation.bootstrap import CONFIDENCE, clopper_pearson
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.disparity import Disparity


@dataclass(frozen=True)
class GroupRate:
    """A rate in one group, with its Clopper–Pearson interval.

    Attributes
    ----------
    successes, trials
        Counts behind the rate.
    rate
        ``successes / trials``; NaN when there is no trial.
    ci_low, ci_high
        Clopper–Pearson 95% interval; [0, 1] when there is no trial.
    design_effect
        How many of these rows tell as much as one independent row; 1 where each row stands for
        itself.
    """

    group: str
    successes: int
    trials: int
    rate: float
    ci_low: float
    ci_high: float
    design_effect: float = 1.0

    @property
    def effective_counts(self) -> tuple[float, float]:
        """Successes and trials of independent rows that would tell as much."""
        return self.successes / self.design_effect, self.trials / self.design_effect

    @property
    def effective_sample_size(self) -> float:
        """Independent rows that would tell as much as these, n over the design effect."""
        return self.trials / self.design_effect


def rates_by_group(
    outcome: np.ndarray,
    denominator: np.ndarray,
    sensitive_features: np.ndarray,
    clusters: np.ndarray | None = None,
) -> list[GroupRate]:
    """The share of `outcome` among the rows of a mask by group, groups in sorted order.

    Parameters
    ----------
    outcome, denominator
        Boolean, shape (n_samples,), the second a mask. Selection rate: outcome is the decision, the
        mask holds every row. Recall: outcome is the decision, the mask holds the positives.
    sensitive_features
        Group of each row, shape (n_samples,).
    clusters
        Whose row it is, shape (n_samples,): rows of one customer are alike and tell less than as
        many of several. None takes each row for itself.

    References
    ----------
    J. Rao and A. Scott (1992), A simple method for the analysis of clustered binary data: counts
    are divided by their design effect.

    Examples
    --------
    >>> rates = rates_by_group(
    ...     np.array([True, False, True]), np.array([True, True, True]), np.array(["a", "a", "b"])
    ... )
    >>> [(rate.group, rate.rate) for rate in rates]
    [('a', 0.5), ('b', 1.0)]
    """
    rates = []
    for group in np.unique(sensitive_features):
        rows = (sensitive_features == group) & denominator
        trials, successes = int(rows.sum()), int((outcome & rows).sum())
        rate = successes / trials if trials else float("nan")
        effect = (
            1.0 if clusters is None or not trials else design_effect(outcome[rows], clusters[rows])
        )
        exact = clopper_pearson(successes / effect, trials / effect)
        rates.append(GroupRate(str(group), successes, trials, rate, *exact, effect))
    return rates


def design_effect(outcome: np.ndarray, clusters: np.ndarray) -> float:
    """How many of these rows tell as much as one independent row, at least 1.

    Parameters
    ----------
    outcome
        Boolean, shape (n_samples,), at least one row.
    clusters
        Whose row it is, shape (n_samples,).

    Notes
    -----
    The variance of the rate between clusters over the binomial one. Where all rows have one
    outcome, or there is one cluster, nothing can be learnt of it: then all rows of a cluster count
    for one.

    References
    ----------
    As in `rates_by_group`.

    Examples
    --------
    >>> design_effect(np.array([True, True, False, False]), np.array([7, 7, 8, 8]))
    4.0
    >>> design_effect(np.array([True, False, True, False]), np.array([7, 7, 8, 8]))
    1.0
    """
    _, place = np.unique(clusters, return_inverse=True)
    rows, hits = np.bincount(place), np.bincount(place, outcome)
    n, k, rate = len(outcome), len(rows), float(np.mean(outcome))
    if k == 1 or rate in (0.0, 1.0):
        return n / k
    between = k / (k - 1) * np.sum((hits - rows * rate) ** 2) / n**2
    return max(1.0, float(between / (rate * (1 - rate) / n)))


def minimum_group_size(disparity: float, *, base_rate: float = 0.8, power: float = 0.8) -> int:
    """Effective sample size that two groups must each have for a disparity to be seen.

    Parameters
    ----------
    disparity
        Difference of their rates, below `base_rate`, in (0, base_rate).

    References
    ----------
    J. Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 6: the arcsine
    effect size, here with the noncentral t distribution, two-sided at 5%.

    Examples
    --------
    >>> minimum_group_size(0.2), minimum_group_size(0.1)
    (82, 293)
    """
    from scipy.stats import nct, t

    effect = 2 * abs(np.arcsin(np.sqrt(base_rate)) - np.arcsin(np.sqrt(base_rate - disparity)))
    n = 2
    while True:
        critical, shift = t.ppf((1 + CONFIDENCE) / 2, 2 * n - 2), effect * np.sqrt(n / 2)
        if nct.sf(critical, 2 * n - 2, shift) >= power:
            return n
        n += 1


def audit_difference(
    outcome: np.ndarray,
    denominator: np.ndarray,
    sensitive_features: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    tolerance: float,
    minimum_size: int = 1,
) -> Disparity:
    """The largest difference of a rate between any two groups, and whether it is tolerable.

    Parameters
    ----------
    outcome, denominator, sensitive_features, clusters
        As in `rates_by_group`.
    tolerance
        Largest tolerable difference, in [0, 1].
    minimum_size
        A group of a smaller effective sample size, as from `minimum_group_size`, gets no verdict.

    Notes
    -----
    A group that is too small takes no part in the difference, and without it nothing can pass.
    Every pair of groups gets an interval with the plus-four adjustment. ``pass`` needs all of them
    below the tolerance, without a correction; ``fail`` needs one above it, with a Bonferroni
    correction over the pairs. The interval shown holds the largest lower and the largest upper end.

    References
    ----------
    A. Agresti and B. Caffo (2000), Simple and effective confidence intervals for proportions and
    differences.

    Examples
    --------
    >>> group = np.repeat(["a", "b"], 1000)
    >>> outcome = np.arange(2000) % 1000 < np.repeat([500, 100], 1000)
    >>> audit_difference(outcome, np.ones(2000, bool), group, tolerance=0.1).verdict
    'fail'
    """
    rates = rates_by_group(outcome, denominator, sensitive_features, clusters)
    if len(rates) < 2:
        return Disparity(
            float("nan"), 0.0, 1.0, Verdict.NOT_ASSESSABLE, f"only one group: {rates[0].group}"
        )
    comparable, few = comparable_groups(rates, minimum_size)
    if len(comparable) < 2:
        return Disparity(float("nan"), 0.0, 1.0, Verdict.INSUFFICIENT, few)
    value = max(abs(a.rate - b.rate) for a, b in combinations(comparable, 2))
    low, high = _pairwise_interval(comparable)
    if low > tolerance:
        return Disparity(
            value,
            low,
            high,
            Verdict.FAIL,
            f"the whole interval lies above the tolerance of {tolerance:g}",
        )
    if len(comparable) < len(rates):
        return Disparity(value, low, high, Verdict.INSUFFICIENT, few)
    if high < tolerance:
        return Disparity(
            value,
            low,
            high,
            Verdict.PASS,
            f"the whole interval lies below the tolerance of {tolerance:g}",
        )
    reason = f"the interval holds the tolerance of {tolerance:g}; {_count_of(_smallest(rates))}"
    return Disparity(value, low, high, Verdict.INSUFFICIENT, reason)


def comparable_groups(rates: list[GroupRate], minimum_size: int) -> tuple[list[GroupRate], str]:
    """The groups that are large enough to be compared, and what is said when one is not.

    Examples
    --------
    >>> rates = [
    ...     GroupRate("a", 3, 9, 1 / 3, 0.1, 0.7),
    ...     GroupRate("b", 0, 0, float("nan"), 0.0, 1.0),
    ... ]
    >>> comparable, few = comparable_groups(rates, 5)
    >>> [rate.group for rate in comparable], few
    (['a'], 'no row in the denominator of group b, at least 5 are needed')
    """
    comparable = [rate for rate in rates if rate.effective_sample_size >= max(minimum_size, 1)]
    small = _smallest(rates)
    few = _count_of(small) if small.trials else f"no row in the denominator of group {small.group}"
    return comparable, f"{few}, at least {minimum_size} are needed"


def _smallest(rates: list[GroupRate]) -> GroupRate:
    """The group of the smallest effective sample size."""
    return min(rates, key=lambda rate: rate.effective_sample_size)


def _count_of(rate: GroupRate) -> str:
    size = rate.effective_sample_size
    effective = f", an effective sample size of {size:.0f}" if rate.design_effect > 1 else ""
    return f"group {rate.group} has only {rate.trials} rows{effective}"


def equalized_odds(recall: Disparity, false_positive_rate: Disparity) -> Disparity:
    """The larger of two differences: 0 when recall and
    false-positive rate are at parity over all groups.

    Notes
    -----
    The interval holds the larger lower and the larger upper end. It passes when both pass and fails
    when one fails.

    References
    ----------
    M. Hardt, E. Price and N. Srebro (2016), Equality of opportunity in supervised learning.

    Examples
    --------
    >>> small, large = (
    ...     Disparity(0.0, 0.0, 0.02, Verdict.PASS, ""),
    ...     Disparity(0.3, 0.2, 0.4, Verdict.FAIL, ""),
    ... )
    >>> equalized_odds(small, large).verdict
    'fail'
    """
    by_rate = {"recall": recall, "false-positive rate": false_positive_rate}
    given = {difference.verdict for difference in by_rate.values()}
    verdict = next(
        v
        for v in (Verdict.NOT_ASSESSABLE, Verdict.FAIL, Verdict.INSUFFICIENT, Verdict.PASS)
        if v in given
    )
    reason = "; ".join(
        f"{name}: {difference.reason}"
        for name, difference in by_rate.items()
        if difference.verdict == verdict
    )
    value = float(np.max([difference.value for difference in by_rate.values()]))
    low = float(np.max([difference.ci_low for difference in by_rate.values()]))
    high = float(np.max([difference.ci_high for difference in by_rate.values()]))
    return Disparity(value, low, high, verdict, reason)


def _pairwise_interval(rates: list[GroupRate]) -> tuple[float, float]:
    from scipy.stats import norm

    pairs = list(combinations(rates, 2))
    distance, error = [], []
    for a, b in pairs:
        adjusted = [
            ((successes + 1) / (trials + 2), trials + 2)
            for successes, trials in (a.effective_counts, b.effective_counts)
        ]
        distance.append(abs(adjusted[0][0] - adjusted[1][0]))
        error.append(np.sqrt(sum(share * (1 - share) / trials for share, trials in adjusted)))
    tail = (1 - CONFIDENCE) / 2
    low = np.max(np.array(distance) - norm.ppf(1 - tail / len(pairs)) * np.array(error))
    high = np.max(np.array(distance) + norm.ppf(1 - tail) * np.array(error))
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))
