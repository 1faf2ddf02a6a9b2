import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_difference, true_positive_rate
from scipy.stats import binomtest

from fraud_core.data.toy import toy_clients, toy_clients_card
from fraud_core.fairness.audit import audit_difference, band, rates_by_group
from fraud_core.fairness.study import assessability, audit_metrics, audit_table, decide_and_join, fairlearn_frame
from fraud_core.model.intervals import clopper_pearson

AUDIT = {"limit": 0.1}
SPLIT = {"n_folds": 2, "selection_rate": 0.2, "age_bands": [18, 40, 121]}
MODEL = {"seed": 1, "n_threads": 1, "catboost": {"iterations": 20}}


def groups(n, *shares):
    """Groups of n rows with exactly the given shares of positive outcomes."""
    outcome = np.concatenate([np.arange(n) < round(share * n) for share in shares])
    return outcome, np.ones(len(outcome), dtype=bool), np.repeat([f"g{k}" for k in range(len(shares))], n)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (11, 11), (3, 20), (1, 1)])
def test_exact_interval_equals_scipy(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(successes, trials) == pytest.approx((expected.low, expected.high))


def test_eleven_of_eleven_is_not_certainty():
    assert clopper_pearson(11, 11)[0] == pytest.approx(0.715, abs=5e-4)


def test_no_trial_says_nothing():
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_rates_by_hand():
    outcome, counted, group = groups(10, 0.3, 0.8)
    assert [(r.group, r.successes, r.rate) for r in rates_by_group(outcome, counted, group)] == [
        ("g0", 3, 0.3), ("g1", 8, 0.8),
    ]  # fmt: skip


def test_group_without_positives_is_insufficient_evidence_where_fairlearn_says_zero():
    y_true, alert, group = np.array([1, 1, 0, 0]), np.array([True, True, False, False]), np.array(["a", "a", "b", "b"])
    frame = MetricFrame(metrics=true_positive_rate, y_true=y_true, y_pred=alert, sensitive_features=group)
    assert frame.by_group["b"] == 0.0
    found = audit_difference(alert, y_true == 1, group, **AUDIT)
    assert found.verdict == "insufficient evidence"
    assert "group b" in found.reason


def test_one_group_is_not_assessable():
    assert audit_difference(*groups(50, 0.5), **AUDIT).verdict == "not assessable"


def test_groups_of_one_row_are_insufficient_evidence():
    outcome, counted, group = np.array([True, False]), np.ones(2, bool), np.array(["a", "b"])
    assert audit_difference(outcome, counted, group, **AUDIT).verdict != "pass"


def test_verdicts_follow_the_interval():
    assert audit_difference(*groups(5000, 0.20, 0.21), **AUDIT).verdict == "pass"
    assert audit_difference(*groups(5000, 0.20, 0.50), **AUDIT).verdict == "fail"
    assert audit_difference(*groups(60, 0.20, 0.30), **AUDIT).verdict == "insufficient evidence"


def test_difference_equals_fairlearn():
    outcome, counted, group = groups(200, 0.2, 0.5, 0.35)
    expected = demographic_parity_difference(np.zeros(600), outcome, sensitive_features=group)
    assert audit_difference(outcome, counted, group, **AUDIT).value == pytest.approx(expected)


def test_false_fails_without_a_difference_are_rare():
    fails = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        outcome, group = rng.random(400) < 0.3, np.repeat(["a", "b"], 200)
        fails += audit_difference(outcome, np.ones(400, bool), group, **AUDIT).verdict == "fail"
    assert fails / 200 <= 0.05


def test_wrong_passes_at_the_limit_are_rare_with_several_groups():
    """Four groups of the sizes of the age bands, with a true largest difference just over the limit."""
    passes = 0
    sizes, shares = (881, 955, 605, 281), (0.50, 0.50, 0.55, 0.6001)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        outcome = np.concatenate([rng.random(n) < share for n, share in zip(sizes, shares, strict=True)])
        group = np.repeat(list("abcd"), sizes)
        passes += audit_difference(outcome, np.ones(len(group), bool), group, **AUDIT).verdict == "pass"
    assert passes / 400 <= 0.04


def test_bands_by_hand_and_values_outside_are_refused():
    assert band(np.array([18, 39, 40]), [18, 40, 121]).tolist() == ["18-39", "18-39", "40-120"]
    with pytest.raises(ValueError, match="age_bands"):
        band(np.array([17]), [18, 40, 121])


def test_sensitive_columns_never_reach_the_model(rng):
    clients, card = toy_clients(1500, seed=0), toy_clients_card()
    shuffled = clients.with_columns(clients["SEX"].shuffle(seed=1), clients["AGE"].shuffle(seed=2))
    decided = [
        decide_and_join(table, card, model=MODEL, rng=np.random.default_rng(0), **SPLIT)
        for table in (clients, shuffled)
    ]
    np.testing.assert_array_equal(decided[0].y_alert, decided[1].y_alert)
    assert (decided[0].sensitive["sex"] != decided[1].sensitive["sex"]).any()


def test_audit_agrees_with_fairlearn_by_group():
    clients = toy_clients(1500, seed=0)
    decided = decide_and_join(clients, toy_clients_card(), model=MODEL, rng=np.random.default_rng(0), **SPLIT)
    frame = fairlearn_frame(decided, "sex").by_group
    for rate in rates_by_group(decided.y_alert, decided.y_true == 1, decided.sensitive["sex"]):
        assert frame.loc[rate.group, "recall"] == pytest.approx(rate.rate)


def test_absent_table_is_not_run_and_gives_no_figure():
    study = audit_table(None, model=MODEL, limit=0.1, detectable_gap=0.2, seed=0, **SPLIT)
    assert study.verdict.startswith("not run")
    assert audit_metrics("uci_default", study.differences) == {}


def test_table_study_reports_every_attribute_and_rate():
    study = audit_table(
        (toy_clients(1500, seed=0), toy_clients_card()), model=MODEL, limit=0.1, detectable_gap=0.2, seed=0, **SPLIT
    )
    assert len(study.rows()) == 9
    shown = {(row["attribute"], row["group"]): row["recall"] for row in study.by_group}
    assert shown[("sex", "man")] == pytest.approx(study.rates["sex"]["recall"][0].rate)
    assert "uci_default.sex.demographic_parity_difference" in audit_metrics("uci_default", study.differences)


def test_card_without_sensitive_columns_is_not_assessable(card):
    assert assessability(card)[0] == "not assessable"
    assert assessability(toy_clients_card())[0] == "assessable"
