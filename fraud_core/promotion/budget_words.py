"""The words of the smallest attack that breaks a tolerance, and the verdict that they stand for."""

from fraud_core.evaluation.verdicts import Verdict

NOT_REACHED, BEYOND = "not reached", "more than"


def budget_verdict(words: str) -> Verdict:
    """Whether some attack that was tried costs more than is tolerated, from the words of `breaking_budget`.

    A budget whose interval reaches beyond what was tried is insufficient evidence: it may not break at all.

    Examples
    --------
    >>> budget_verdict("33% of the frauds hidden (4% to more than 50%), 2,000 euros tolerated")
    'insufficient evidence'
    """
    if words.startswith(NOT_REACHED):
        return Verdict.PASS
    return Verdict.INSUFFICIENT if BEYOND in words else Verdict.FAIL
