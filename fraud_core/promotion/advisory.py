"""The criteria that are reported and decide nothing:
what the other studies say of the same data.
"""

from fraud_core.evaluation.verdicts import Evidence, Verdict
from fraud_core.promotion.breakdown_words import breakdown_verdict
from fraud_core.promotion.gate import Criterion
from fraud_core.promotion.words import STUDY_WORDS


def report_breakdown_point(evidence: Evidence) -> Criterion:
    """The breakdown point: the smallest attack that costs more than is tolerated; never required.

    Parameters
    ----------
    evidence
        The words of `fraud_core.promotion.comparison.breakdown_point`.

    Examples
    --------
    >>> report_breakdown_point(Evidence("not reached up to 50% of the frauds")).outcome
    'pass'
    """
    outcome, words = Verdict.INSUFFICIENT, evidence.refused or evidence.word or "not studied"
    if not evidence.refused and evidence.word is not None:
        outcome = breakdown_verdict(evidence.word)
    return Criterion("breakdown point", outcome, f"breakdown point: {words}", required=False)


def report_verdict(study: str, evidence: Evidence) -> Criterion:
    """The verdict of another study on this candidate's data; reported, never required.

    Parameters
    ----------
    study
        A study of `fraud_core.promotion.words.STUDY_WORDS`, whose words are read.

    Examples
    --------
    >>> report_verdict("fairness", Evidence("not assessable")).outcome
    'not assessable'
    >>> report_verdict("drift", Evidence("fell")).evidence
    'drift: fell'
    """
    outcome, words = evidence.judged(STUDY_WORDS[study], study=study)
    return Criterion(study, outcome, f"{study}: {words}", required=False)
