"""Words of the breakdown point, and the verdict that they stand for."""

from fraud_core.evaluation.verdicts import Verdict

NOT_REACHED, NOT_SHOWN, BEYOND, NOTHING = (
    "not reached",
    "not shown",
    "more than",
    "no attack was tried",
)


def breakdown_verdict(words: str) -> Verdict:
    """A verdict on the question whether some attack that was tried
    costs more than is tolerated, from the words of `breakdown_point`.

    It passes only when the whole interval of the cost stays below the tolerance at every poison
    rate that was tried. A breakdown point whose interval reaches beyond what was tried is
    insufficient evidence: there may be none at all.

    Examples
    --------
    >>> breakdown_verdict(
    ...     "33% of the fraud labels suppressed (4% to more than 50%), 2,000 euros tolerated"
    ... )
    'insufficient evidence'
    >>> breakdown_verdict(
    ...     "not shown up to 50% of the frauds: the interval reaches 2,000 euros a day"
    ... )
    'insufficient evidence'
    """
    if words.startswith(NOT_REACHED):
        return Verdict.PASS
    if words.startswith((NOT_SHOWN, NOTHING)) or BEYOND in words:
        return Verdict.INSUFFICIENT
    return Verdict.FAIL
