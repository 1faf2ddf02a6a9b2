"""Every word that a study can emit is read by the
gate, and every word that the gate reads is emitted.
"""

from itertools import product

import numpy as np
import pytest

from fraud_core.data.splits import split_by_time
from fraud_core.data.toy import toy_card, toy_transactions
from fraud_core.drift.performance import comparison as performance
from fraud_core.errors import ResultError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Evidence, Verdict
from fraud_core.explain import stability
from fraud_core.fairness import study as fairness
from fraud_core.fairness.audit import audit_difference
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.poisoning.study import effects
from fraud_core.promotion.advisory import report_breaking_budget, report_verdict
from fraud_core.promotion.comparison import breaking_budget
from fraud_core.promotion.words import STUDY_WORDS

CHANGES = [
    Estimate((low + high) / 2, low, high)
    for low, high in product(np.linspace(-0.3, 0.3, 25), repeat=2)
    if low <= high
]


def agreements():
    floor = Estimate(0.9, 0.85, 0.95)
    seeds = [stability.Agreement(f"seed {k}", "seed", floor, floor) for k in range(3)]
    for ranking, reasons in product((0.1, 0.9), repeat=2):
        ends = (Estimate(value, value, value) for value in (ranking, reasons))
        yield stability.Agreement("flips", "attack", *ends), seeds
        yield stability.Agreement("flips", "attack", floor, floor), seeds[:1]


def audits():
    limits = fairness.Limits(0.1, 0.8, 0.1)
    yield fairness.audit_payments(
        *split_by_time(toy_transactions(400, seed=0), toy_card()), toy_card(), limits=limits
    )
    yield fairness.audit_table(None, estimator=EstimatorConfig("catboost"), limits=limits, seed=1)


def differences():
    for n, gap in product((3, 400, 20_000), (0.0, 0.1, 0.3)):
        group = np.repeat(["a", "b"], n)
        outcome = np.arange(2 * n) % n < np.repeat([0.5 * n, (0.5 - gap) * n], n)
        yield audit_difference(outcome, np.ones(2 * n, bool), group, limit=0.1)


EMITTED = {
    "drift": lambda: {performance.verdict(change, limit=0.05) for change in CHANGES},
    "poisoning": lambda: {effects.verdict(change, limit=0.05) for change in CHANGES},
    "explain": lambda: {stability.verdict(*given) for given in agreements()},
    "fairness": lambda: {str(found.verdict) for found in (*audits(), *differences())},
}


@pytest.mark.parametrize("study", STUDY_WORDS)
def test_the_gate_reads_every_word_that_a_study_emits_and_no_other(study):
    assert EMITTED[study]() == set(STUDY_WORDS[study])


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
    assert report_breaking_budget(Evidence(None)).outcome == Verdict.INSUFFICIENT


def test_evidence_of_other_data_is_insufficient_and_says_so():
    other = Evidence(
        performance.FELL, "of other data: the results of drift speak of v1 aaa, here bbb"
    )
    found = report_verdict("drift", other)
    assert found.outcome == Verdict.INSUFFICIENT
    assert found.evidence == "drift: of other data: the results of drift speak of v1 aaa, here bbb"
    refused = report_breaking_budget(Evidence("not reached up to 50%", "of other data"))
    assert refused.outcome == Verdict.INSUFFICIENT


def test_words_of_the_breaking_budget_are_read():
    def outcome(cost):
        return report_breaking_budget(
            Evidence(breaking_budget([0.5], [cost], tolerated_eur=2000.0)[1])
        ).outcome

    assert outcome(Estimate(100.0, 0.0, 1999.0)) == Verdict.PASS
    assert outcome(Estimate(100.0, 0.0, 5000.0)) == Verdict.INSUFFICIENT
    assert outcome(Estimate(1999.0, -6000.0, 10000.0)) == Verdict.INSUFFICIENT
    assert outcome(Estimate(4000.0, 3000.0, 8000.0)) == Verdict.FAIL
    assert outcome(Estimate(4000.0, 1000.0, 8000.0)) == Verdict.INSUFFICIENT
    nothing_tried = Evidence(breaking_budget([], [], tolerated_eur=2000.0)[1])
    assert report_breaking_budget(nothing_tried).outcome == Verdict.INSUFFICIENT
