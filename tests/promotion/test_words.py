"""Every word that a study can emit is read by the
gate, and every word that the gate reads is emitted.
"""

from itertools import product

import numpy as np
import pytest

from fraud_core.data.splits import split_by_time
from fraud_core.data.toy import toy_card, toy_transactions
from fraud_core.drift.performance import comparison as performance
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.explain import stability
from fraud_core.fairness import study as fairness
from fraud_core.fairness.audit import audit_difference
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.poisoning.study import effects
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
    tolerances = fairness.Tolerances(0.1, 0.8, 0.1)
    yield fairness.audit_payments(
        *split_by_time(toy_transactions(400, seed=0), toy_card()), toy_card(), tolerances=tolerances
    )
    yield fairness.audit_table(
        None, estimator=EstimatorConfig("catboost"), tolerances=tolerances, seed=1
    )


def differences():
    for n, disparity in product((3, 400, 20_000), (0.0, 0.1, 0.3)):
        group = np.repeat(["a", "b"], n)
        outcome = np.arange(2 * n) % n < np.repeat([0.5 * n, (0.5 - disparity) * n], n)
        yield audit_difference(outcome, np.ones(2 * n, bool), group, tolerance=0.1)


EMITTED = {
    "drift": lambda: {performance.verdict(change, margin=0.05) for change in CHANGES},
    "poisoning": lambda: {effects.verdict(change, limit=0.05) for change in CHANGES},
    "explain": lambda: {stability.verdict(*given) for given in agreements()},
    "fairness": lambda: {str(found.verdict) for found in (*audits(), *differences())},
}


@pytest.mark.parametrize("study", STUDY_WORDS)
def test_the_gate_reads_every_word_that_a_study_emits_and_no_other(study):
    assert EMITTED[study]() == set(STUDY_WORDS[study])
