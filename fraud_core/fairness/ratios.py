"""Ratios of rates between groups, with intervals and three verdicts.

A difference of two points of false-positive rate is little when a tenth of the customers is wrongly
blocked, and double when it is two in a hundred; a ratio says how many times as often one group is.
"""

from itertools import combinations

import numpy as np

from fraud_core.evaluation.bootstrap import CONFIDENCE
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.audit import GroupRate, comparable_groups, rates_by_group
from fraud_core.fairness.disparity import Disparity


def audit_ratio(
    outcome: np.ndarray,
    denominator: np.ndarray,
    sensitive_features: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    tolerance: float,
    minimum_size: int = 1,
) -> Disparity:
    """The smallest ratio of a rate between any two groups, and whether it is tolerable.

    Parameters
    ----------
    outcome, denominator, sensitive_features, clusters
        As in `fraud_core.fairness.audit.rates_by_group`.
    tolerance
        Smallest tolerable ratio, in (0, 1].
    minimum_size
        A group of a smaller effective sample size gets no verdict.

    Notes
    -----
    As in `fraud_core.fairness.audit.audit_difference`: a group that is too small takes no part,
    and without it nothing passes; ``pass`` needs the interval of every pair above the tolerance,
    ``fail`` one below it with a Bonferroni correction over the pairs. Intervals are normal in the
    logarithm of the ratio, half an outcome added to each count, so that a group without any outcome
    has one too. Two rates of 0 are at parity.

    References
    ----------
    D. Katz et al. (1978), Obtaining confidence intervals for the risk ratio in cohort studies; S.
    Walter (1975), The distribution of Levin's measure of attributable risk, for the half.

    Examples
    --------
    >>> group = np.repeat(["a", "b"], 1000)
    >>> outcome = np.arange(2000) % 1000 < np.repeat([100, 50], 1000)
    >>> ratio = audit_ratio(outcome, np.ones(2000, bool), group, tolerance=0.8)
    >>> ratio.value, ratio.verdict
    (0.5, 'fail')
    """
    rates = rates_by_group(outcome, denominator, sensitive_features, clusters)
    if len(rates) < 2:
        return Disparity(
            float("nan"), 0.0, 1.0, Verdict.NOT_ASSESSABLE, f"only one group: {rates[0].group}"
        )
    comparable, few = comparable_groups(rates, minimum_size)
    if len(comparable) < 2:
        return Disparity(float("nan"), 0.0, 1.0, Verdict.INSUFFICIENT, few)
    value = min(_ratio(a.rate, b.rate) for a, b in combinations(comparable, 2))
    low, high = _pairwise_interval(comparable)
    if high < tolerance:
        return Disparity(
            value,
            low,
            high,
            Verdict.FAIL,
            f"the whole interval lies below the tolerance of {tolerance:g}",
        )
    if len(comparable) < len(rates):
        return Disparity(value, low, high, Verdict.INSUFFICIENT, few)
    if low > tolerance:
        return Disparity(
            value,
            low,
            high,
            Verdict.PASS,
            f"the whole interval lies above the tolerance of {tolerance:g}",
        )
    return Disparity(
        value, low, high, Verdict.INSUFFICIENT, f"the interval holds the tolerance of {tolerance:g}"
    )


def _ratio(a: float, b: float) -> float:
    return min(a, b) / max(a, b) if max(a, b) > 0 else 1.0


def _pairwise_interval(rates: list[GroupRate]) -> tuple[float, float]:
    from scipy.stats import norm

    pairs, tail = list(combinations(rates, 2)), (1 - CONFIDENCE) / 2
    distance, error = [], []
    for pair in pairs:
        counts = [
            (successes + 0.5, trials + 0.5)
            for successes, trials in (rate.effective_counts for rate in pair)
        ]
        logs = [np.log(successes / trials) for successes, trials in counts]
        distance.append(abs(logs[0] - logs[1]))
        error.append(np.sqrt(sum(1 / successes - 1 / trials for successes, trials in counts)))
    near = np.max(np.array(distance) - norm.ppf(1 - tail / len(pairs)) * np.array(error))
    far = np.max(np.array(distance) + norm.ppf(1 - tail) * np.array(error))
    return float(np.exp(-far)), float(min(np.exp(-near), 1.0))
