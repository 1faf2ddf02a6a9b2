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
    counted: np.ndarray,
    sensitive_features: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    limit: float,
    minimum: int = 1,
) -> Disparity:
    """The smallest ratio of a rate between any two groups, and whether it is tolerable.

    Parameters
    ----------
    outcome, counted, sensitive_features, clusters
        As in `fraud_core.fairness.audit.rates_by_group`.
    limit
        Smallest tolerable ratio, in (0, 1].
    minimum
        A group whose rows are worth fewer independent ones is not judged.

    Notes
    -----
    As in `fraud_core.fairness.audit.audit_difference`: a group that is not judged takes no part,
    and without it nothing passes; ``pass`` needs the interval of every pair above the limit,
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
    >>> ratio = audit_ratio(outcome, np.ones(2000, bool), group, limit=0.8)
    >>> ratio.value, ratio.verdict
    (0.5, 'fail')
    """
    rates = rates_by_group(outcome, counted, sensitive_features, clusters)
    if len(rates) < 2:
        return Disparity(
            float("nan"), 0.0, 1.0, Verdict.NOT_ASSESSABLE, f"only one group: {rates[0].group}"
        )
    judged, few = comparable_groups(rates, minimum)
    if len(judged) < 2:
        return Disparity(float("nan"), 0.0, 1.0, Verdict.INSUFFICIENT, few)
    value = min(_ratio(a.rate, b.rate) for a, b in combinations(judged, 2))
    low, high = _pairwise_interval(judged)
    if high < limit:
        return Disparity(
            value, low, high, Verdict.FAIL, f"the whole interval lies below the limit of {limit:g}"
        )
    if len(judged) < len(rates):
        return Disparity(value, low, high, Verdict.INSUFFICIENT, few)
    if low > limit:
        return Disparity(
            value, low, high, Verdict.PASS, f"the whole interval lies above the limit of {limit:g}"
        )
    return Disparity(
        value, low, high, Verdict.INSUFFICIENT, f"the interval holds the limit of {limit:g}"
    )


def _ratio(a: float, b: float) -> float:
    return min(a, b) / max(a, b) if max(a, b) > 0 else 1.0


def _pairwise_interval(rates: list[GroupRate]) -> tuple[float, float]:
    from scipy.stats import norm

    pairs, tail = list(combinations(rates, 2)), (1 - CONFIDENCE) / 2
    distance, error = [], []
    for pair in pairs:
        counts = [
            (successes + 0.5, trials + 0.5) for successes, trials in (rate.worth for rate in pair)
        ]
        logs = [np.log(successes / trials) for successes, trials in counts]
        distance.append(abs(logs[0] - logs[1]))
        error.append(np.sqrt(sum(1 / successes - 1 / trials for successes, trials in counts)))
    near = np.max(np.array(distance) - norm.ppf(1 - tail / len(pairs)) * np.array(error))
    far = np.max(np.array(distance) + norm.ppf(1 - tail) * np.array(error))
    return float(np.exp(-far)), float(min(np.exp(-near), 1.0))
