"""What the other studies say of a candidate: read by the gate, never required."""

import pytest

from fraud_core.drift.performance import comparison as performance
from fraud_core.errors import ResultError
from fraud_core.evaluation.verdicts import Evidence, Verdict
from fraud_core.promotion.advisory import report_breakdown_point, report_verdict
from fraud_core.promotion.words import STUDY_WORDS


@pytest.mark.parametrize(
    ("study", "word"), [(study, word) for study, words in STUDY_WORDS.items() for word in words]
)
def test_a_word_keeps_its_meaning_through_the_gate(study, word):
    found = report_verdict(study, Evidence(word))
    assert found.outcome == STUDY_WORDS[study][word]
    assert found.evidence == f"{study}: {word}"
    assert not found.required


def test_a_proven_fall_fails_and_a_proven_harm_too():
    assert report_verdict("drift", Evidence(performance.FELL)).outcome == Verdict.FAIL
    assert report_verdict("poisoning", Evidence("harm")).outcome == Verdict.FAIL


def test_word_that_no_study_emits_is_an_error_and_not_a_lack_of_evidence():
    with pytest.raises(
        ResultError, match=r"drift: expected a verdict among fell, rose, .* got 'difference'"
    ):
        report_verdict("drift", Evidence("difference"))


def test_study_that_was_not_run_is_insufficient_evidence():
    assert report_verdict("drift", Evidence(None)).outcome == Verdict.INSUFFICIENT
    assert report_breakdown_point(Evidence(None)).outcome == Verdict.INSUFFICIENT


def test_evidence_of_other_data_is_insufficient_and_says_so():
    other = Evidence(
        performance.FELL, "of other data: the results of drift speak of v1 aaa, here bbb"
    )
    found = report_verdict("drift", other)
    assert found.outcome == Verdict.INSUFFICIENT
    assert found.evidence == "drift: of other data: the results of drift speak of v1 aaa, here bbb"
    refused = report_breakdown_point(Evidence("not reached up to 50%", "of other data"))
    assert refused.outcome == Verdict.INSUFFICIENT
