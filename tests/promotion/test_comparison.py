import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate, ModelScores
from fraud_core.evaluation.verdicts import Evidence
from fraud_core.promotion.advisory import report_breakdown_point, report_verdict
from fraud_core.promotion.comparison import breakdown_point, false_promotions, saving_over
from fraud_core.promotion.gate import check_champion, check_scan, decide

DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}


@pytest.fixture(scope="module")
def day():
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.05).astype(int)
    return Transactions(np.zeros((4000, 1)), y, rng.exponential(100.0, 4000), np.arange(4000.0))


def noisy(day, seed: int, noise: float = 1.0) -> ModelScores:
    log_odds = (
        3.0 * day.y_observed
        - 2.0
        + np.random.default_rng(seed).normal(0, noise, len(day.y_observed))
    )
    return ModelScores(1 / (1 + np.exp(-log_odds)), 0.5)


def test_saving_is_the_difference_of_the_costs(day):
    blind, seeing = ModelScores(np.zeros(4000), 0.5), ModelScores(day.y_observed * 0.9, 0.5)
    found = saving_over(
        blind, seeing, day, decision=DECISION, n_replicates=50, rng=np.random.default_rng(0)
    )
    frauds = day.y_observed == 1
    assert found.value == pytest.approx(day.amount_eur[frauds].sum() - 5.0 * frauds.sum())


def test_equal_models_are_hardly_ever_promoted_and_a_larger_f1_often_is(day):
    models = [noisy(day, seed) for seed in range(12)]
    costs = [float(day.amount_eur[(m.y_score < 0.5) & (day.y_observed == 1)].sum()) for m in models]
    found = false_promotions(models, costs, day, decision=DECISION, n_replicates=200, seed=0)
    assert found.n_pairs == 60
    assert found.gate.value <= 0.05
    assert found.without_null_band.value <= 0.12
    assert found.f1_rule.value > 0.1


def test_a_better_model_is_promoted(day):
    saving = saving_over(
        noisy(day, 1, 3.0),
        noisy(day, 2, 0.3),
        day,
        decision=DECISION,
        n_replicates=200,
        rng=np.random.default_rng(0),
    )
    assert check_champion(saving, null_band_eur=500.0).outcome == "pass"
    loss = Estimate(-saving.value, -saving.ci_high, -saving.ci_low)
    assert check_champion(loss, null_band_eur=500.0).outcome == "fail"


def test_too_few_trainings_are_refused(day):
    with pytest.raises(ValueError, match="at least four"):
        false_promotions([noisy(day, 1)], [0.0], day, decision=DECISION, n_replicates=10, seed=0)


def test_breakdown_point_by_hand():
    costs = [Estimate(1000.0, 0.0, 2000.0), Estimate(3000.0, 2000.0, 6000.0)]
    found, words = breakdown_point([0.1, 0.5], costs, tolerated_eur=2000.0)
    assert found.value == pytest.approx(0.3)
    assert found.ci_low == pytest.approx(0.1)
    assert found.ci_high == pytest.approx(0.5)
    assert words.startswith("30% of the fraud labels suppressed")


def test_attack_that_never_breaks_says_how_far_it_was_tried():
    found, words = breakdown_point([0.5], [Estimate(100.0, 0.0, 1500.0)], tolerated_eur=2000.0)
    assert found is None
    assert "not reached up to 50%" in words
    found, words = breakdown_point([0.5], [Estimate(100.0, 0.0, 5000.0)], tolerated_eur=2000.0)
    assert found is None
    assert "not shown up to 50%" in words


def test_one_sign_of_poisoning_refuses_promotion_in_words():
    clean, poisoned = check_scan([]), check_scan(["2,000 labels are not believed", "a trigger"])
    assert decide(clean).promoted
    refused = decide(clean, poisoned)
    assert not refused.promoted
    words = "the training labels look poisoned: 2,000 labels are not believed; a trigger"
    where = "the scan's limits were set on day 1 of the ULB data only"
    assert refused.refusals == [f"{words} ({where})"]
    assert where in clean.evidence


def test_reported_criteria_decide_nothing():
    budget = report_breakdown_point(Evidence("not reached up to 50% of the frauds"))
    reported = [
        budget,
        report_verdict("fairness", Evidence("fail")),
        report_verdict("drift", Evidence(None)),
    ]
    assert [c.outcome for c in reported] == ["pass", "fail", "insufficient evidence"]
    assert decide(check_scan([]), *reported).promoted
