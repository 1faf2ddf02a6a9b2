"""Differences between groups at an operating threshold, with exact intervals and three verdicts."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fraud_core.evaluation.bootstrap import CONFIDENCE, clopper_pearson
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.disparity import Disparity


@dataclass(frozen=True)
class GroupRate:
    """A rate in one group, with its exact interval.

    Attributes
    ----------
    successes, trials
        Counts behind the rate.
    rate
        ``successes / trials``; NaN when there is no trial.
    ci_low, ci_high
        Exact 95% interval; [0, 1] when there is no trial.
    design_effect
        How many of these rows are worth one independent row; 1 where each row stands for itself.
    """

    group: str
    successes: int
    trials: int
    rate: float
    ci_low: float
    ci_high: float
    design_effect: float = 1.0

    @property
    def worth(self) -> tuple[float, float]:
        """Successes and trials of independent rows that would tell as much."""
        return self.successes / self.design_effect, self.trials / self.design_effect


def rates_by_group(
    outcome: np.ndarray,
    counted: np.ndarray,
    sensitive_features: np.ndarray,
    clusters: np.ndarray | None = None,
) -> list[GroupRate]:
    """The share of `outcome` among the `counted` rows of each group, groups in sorted order.

    Parameters
    ----------
    outcome, counted
        Boolean, shape (n_samples,). Selection rate: outcome is the decision, counted is every row.
        Recall: outcome is the decision, counted are the true positives' rows.
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
        rows = (sensitive_features == group) & counted
        trials, successes = int(rows.sum()), int((outcome & rows).sum())
        rate = successes / trials if trials else float("nan")
        effect = (
            1.0 if clusters is None or not trials else design_effect(outcome[rows], clusters[rows])
        )
        exact = clopper_pearson(successes / effect, trials / effect)
        rates.append(GroupRate(str(group), successes, trials, rate, *exact, effect))
    return rates


def design_effect(outcome: np.ndarray, clusters: np.ndarray) -> float:
    """How many of these rows are worth one independent row, at least 1.

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


def minimum_count(gap: float, *, base_rate: float = 0.8, power: float = 0.8) -> int:
    """Rows that two groups must each count for a gap between their rates to be seen.

    Parameters
    ----------
    gap
        Below `base_rate`, in (0, base_rate).

    References
    ----------
    J. Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 6: the arcsine
    effect size, here with the noncentral t distribution, two-sided at 5%.

    Examples
    --------
    >>> minimum_count(0.2), minimum_count(0.1)
    (82, 293)
    """
    from scipy.stats import nct, t

    effect = 2 * abs(np.arcsin(np.sqrt(base_rate)) - np.arcsin(np.sqrt(base_rate - gap)))
    n = 2
    while True:
        critical, shift = t.ppf((1 + CONFIDENCE) / 2, 2 * n - 2), effect * np.sqrt(n / 2)
        if nct.sf(critical, 2 * n - 2, shift) >= power:
            return n
        n += 1


def audit_difference(
    outcome: np.ndarray,
    counted: np.ndarray,
    sensitive_features: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    limit: float,
    minimum: int = 1,
) -> Disparity:
    """The largest difference of a rate between any two groups, and whether it is tolerable.

    Parameters
    ----------
    outcome, counted, sensitive_features, clusters
        As in `rates_by_group`.
    limit
        Largest tolerable difference, in [0, 1].
    minimum
        A group whose rows are worth fewer independent ones, as from `minimum_count`, is not judged.

    Notes
    -----
    A group that is not judged takes no part in the difference, and without it nothing can pass.
    Every pair of groups gets an interval with the plus-four adjustment. ``pass`` needs all of them
    below the limit, without a correction; ``fail`` needs one above it, with a Bonferroni correction
    over the pairs. The interval shown holds the largest lower and the largest upper end.

    References
    ----------
    A. Agresti and B. Caffo (2000), Simple and effective confidence intervals for proportions and
    differences.

    Examples
    --------
    >>> group = np.repeat(["a", "b"], 1000)
    >>> outcome = np.arange(2000) % 1000 < np.repeat([500, 100], 1000)
    >>> audit_difference(outcome, np.ones(2000, bool), group, limit=0.1).verdict
    'fail'
    """
    rates = rates_by_group(outcome, counted, sensitive_features, clusters)
    if len(rates) < 2:
        return Disparity(
            float("nan"), 0.0, 1.0, Verdict.NOT_ASSESSABLE, f"only one group: {rates[0].group}"
        )
    judged, few = comparable_groups(rates, minimum)
    if len(judged) < 2:
        return Disparity(float("nan"), 0.0, 1.0, Verdict.INSUFFICIENT, few)
    value = max(abs(a.rate - b.rate) for a, b in combinations(judged, 2))
    low, high = _pairwise_interval(judged)
    if low > limit:
        return Disparity(
            value, low, high, Verdict.FAIL, f"the whole interval lies above the limit of {limit:g}"
        )
    if len(judged) < len(rates):
        return Disparity(value, low, high, Verdict.INSUFFICIENT, few)
    if high < limit:
        return Disparity(
            value, low, high, Verdict.PASS, f"the whole interval lies below the limit of {limit:g}"
        )
    reason = f"the interval holds the limit of {limit:g}; {_count_of(_smallest(rates))}"
    return Disparity(value, low, high, Verdict.INSUFFICIENT, reason)


def comparable_groups(rates: list[GroupRate], minimum: int) -> tuple[list[GroupRate], str]:
    """The groups that count enough rows to be judged, and what is said when one does not.

    Examples
    --------
    >>> rates = [
    ...     GroupRate("a", 3, 9, 1 / 3, 0.1, 0.7),
    ...     GroupRate("b", 0, 0, float("nan"), 0.0, 1.0),
    ... ]
    >>> judged, few = comparable_groups(rates, 5)
    >>> [rate.group for rate in judged], few
    (['a'], 'no row to count in group b, at least 5 are needed')
    """
    judged = [rate for rate in rates if rate.worth[1] >= max(minimum, 1)]
    small = _smallest(rates)
    few = _count_of(small) if small.trials else f"no row to count in group {small.group}"
    return judged, f"{few}, at least {minimum} are needed"


def _smallest(rates: list[GroupRate]) -> GroupRate:
    """The group that tells least."""
    return min(rates, key=lambda rate: rate.worth[1])


def _count_of(rate: GroupRate) -> str:
    worth = f", worth {rate.worth[1]:.0f} independent ones" if rate.design_effect > 1 else ""
    return f"group {rate.group} counts only {rate.trials} rows{worth}"


def equalized_odds(recall: Disparity, false_positive_rate: Disparity) -> Disparity:
    """The larger of two differences: 0 when recall and
    false-positive rate are the same in all groups.

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
            ((successes + 1) / (trials + 2), trials + 2) for successes, trials in (a.worth, b.worth)
        ]
        distance.append(abs(adjusted[0][0] - adjusted[1][0]))
        error.append(np.sqrt(sum(share * (1 - share) / trials for share, trials in adjusted)))
    tail = (1 - CONFIDENCE) / 2
    low = np.max(np.array(distance) - norm.ppf(1 - tail / len(pairs)) * np.array(error))
    high = np.max(np.array(distance) + norm.ppf(1 - tail) * np.array(error))
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))
