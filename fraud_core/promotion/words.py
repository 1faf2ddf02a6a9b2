"""How the gate reads the studies: each study's words of verdict, as the study itself maps them."""

from collections.abc import Mapping

from fraud_core.drift import performance
from fraud_core.explain import stability
from fraud_core.fairness import study as fairness
from fraud_core.poisoning import effects
from fraud_core.verdicts import Verdict

STUDY_WORDS: Mapping[str, Mapping[str, Verdict]] = {
    "drift": performance.WORDS,
    "explain": stability.WORDS,
    "fairness": fairness.WORDS,
    "poisoning": effects.WORDS,
}
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
