import pytest

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Evidence, Verdict
from fraud_core.promotion.advisory import report_breakdown_point
from fraud_core.promotion.breakdown_words import breakdown_verdict
from fraud_core.promotion.comparison import breakdown_point


def test_words_of_the_breakdown_point_are_read():
    def outcome(cost):
        return report_breakdown_point(
            Evidence(breakdown_point([0.5], [cost], tolerated_eur=2000.0)[1])
        ).outcome

    assert outcome(Estimate(100.0, 0.0, 1999.0)) == Verdict.PASS
    assert outcome(Estimate(100.0, 0.0, 5000.0)) == Verdict.INSUFFICIENT
    assert outcome(Estimate(1999.0, -6000.0, 10000.0)) == Verdict.INSUFFICIENT
    assert outcome(Estimate(4000.0, 3000.0, 8000.0)) == Verdict.FAIL
    assert outcome(Estimate(4000.0, 1000.0, 8000.0)) == Verdict.INSUFFICIENT
    nothing_tried = Evidence(breakdown_point([], [], tolerated_eur=2000.0)[1])
    assert report_breakdown_point(nothing_tried).outcome == Verdict.INSUFFICIENT


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("33% of the fraud labels suppressed (20% to 40%), 2,000 euros tolerated", Verdict.FAIL),
        ("33% of the fraud labels suppressed (4% to more than 50%)", Verdict.INSUFFICIENT),
        ("not reached up to 50% of the frauds", Verdict.PASS),
        ("not shown up to 50% of the frauds", Verdict.INSUFFICIENT),
        ("no attack was tried", Verdict.INSUFFICIENT),
    ],
)
def test_words_stand_for_a_verdict(words, verdict):
    assert breakdown_verdict(words) == verdict
