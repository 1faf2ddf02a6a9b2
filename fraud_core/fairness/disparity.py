"""Disparity: how far a rate differs between groups, difference or ratio, with its verdict."""

from dataclasses import dataclass

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Verdict


@dataclass(frozen=True)
class Disparity(Estimate):
    """The largest difference, or the smallest ratio, of a rate between groups.

    Attributes
    ----------
    value
        A difference lies in [0, 1] and 0 means parity; a ratio, the lower rate over the higher
        one, lies in [0, 1] and 1 means parity. NaN where no two groups can be compared.
    ci_low, ci_high
        95% interval of the largest pairwise difference, or of the smallest pairwise ratio.
    verdict
        ``fail`` when the whole interval lies on the far side of the tolerance, ``pass`` when it
        lies on the side of parity.
    reason
        Why, in words.

    Examples
    --------
    >>> Disparity(0.3, 0.2, 0.4, Verdict.FAIL, "beyond the tolerance").excludes(0.0)
    True
    """

    verdict: Verdict
    reason: str
