"""The words of the smallest attack that breaks a tolerance, and the verdict that they stand for."""

from fraud_core.evaluation.verdicts import Verdict

NOT_REACHED, NOT_SHOWN, BEYOND, NOTHING = (
    "not reached",
    "not shown",
    "more than",
    "no attack was tried",
)


def budget_verdict(words: str) -> Verdict:
    """Whether some attack that was tried costs more than
    is tolerated, from the words of `breaking_budget`.

    It passes only when the whole interval of the cost stays below the tolerance at every budget
    that was tried. A budget whose interval reaches beyond what was tried is insufficient evidence:
    it may not break at all.

    Examples
    --------
    >>> budget_verdict("33% of the frauds hidden (4% to more than 50%), 2,000 euros tolerated")
    'insufficient evidence'
    >>> budget_verdict("not shown up to 50% of the frauds: the interval reaches 2,000 euros a day")
    'insufficient evidence'
    """
    if words.startswith(NOT_REACHED):
        return Verdict.PASS
    if words.startswith((NOT_SHOWN, NOTHING)) or BEYOND in words:
        return Verdict.INSUFFICIENT
    return Verdict.FAIL
