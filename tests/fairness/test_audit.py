import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equalized_odds_difference,
    true_positive_rate,
)
from scipy.stats import binomtest

from fraud_core.evaluation.bootstrap import clopper_pearson
from fraud_core.fairness.audit import (
    audit_difference,
    equalized_odds,
    rates_by_group,
)
from fraud_core.fairness.disparity import Disparity

AUDIT = {"tolerance": 0.1}


def groups(n, *shares):
    """Groups of n rows with exactly the given shares of positive outcomes."""
    outcome = np.concatenate([np.arange(n) < round(share * n) for share in shares])
    return (
        outcome,
        np.ones(len(outcome), dtype=bool),
        np.repeat([f"g{k}" for k in range(len(shares))], n),
    )


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (11, 11), (3, 20), (1, 1)])
def test_clopper_pearson_interval_equals_scipy(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(successes, trials) == pytest.approx((expected.low, expected.high))


def test_eleven_of_eleven_is_not_certainty():
    assert clopper_pearson(11, 11)[0] == pytest.approx(0.715, abs=5e-4)


def test_no_trial_says_nothing():
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_rates_by_hand():
    outcome, denominator, group = groups(10, 0.3, 0.8)
    assert [
        (r.group, r.successes, r.rate) for r in rates_by_group(outcome, denominator, group)
    ] == [
        ("g0", 3, 0.3),
        ("g1", 8, 0.8),
    ]


def test_group_without_positives_is_insufficient_evidence_where_fairlearn_says_zero():
    y_true, alert, group = (
        np.array([1, 1, 0, 0]),
        np.array([True, True, False, False]),
        np.array(["a", "a", "b", "b"]),
    )
    frame = MetricFrame(
        metrics=true_positive_rate, y_true=y_true, y_pred=alert, sensitive_features=group
    )
    assert frame.by_group["b"] == 0.0
    found = audit_difference(alert, y_true == 1, group, **AUDIT)
    assert found.verdict == "insufficient evidence"
    assert "group b" in found.reason


def test_one_group_is_not_assessable():
    assert audit_difference(*groups(50, 0.5), **AUDIT).verdict == "not assessable"


def test_verdicts_follow_the_interval():
    assert audit_difference(*groups(5000, 0.20, 0.21), **AUDIT).verdict == "pass"
    assert audit_difference(*groups(5000, 0.20, 0.50), **AUDIT).verdict == "fail"
    assert audit_difference(*groups(60, 0.20, 0.30), **AUDIT).verdict == "insufficient evidence"


def test_difference_equals_fairlearn():
    outcome, denominator, group = groups(200, 0.2, 0.5, 0.35)
    expected = demographic_parity_difference(np.zeros(600), outcome, sensitive_features=group)
    assert audit_difference(outcome, denominator, group, **AUDIT).value == pytest.approx(expected)


def test_false_fails_without_a_difference_are_rare():
    fails = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        outcome, group = rng.random(400) < 0.3, np.repeat(["a", "b"], 200)
        fails += audit_difference(outcome, np.ones(400, bool), group, **AUDIT).verdict == "fail"
    assert fails / 200 <= 0.05


def test_wrong_passes_at_the_tolerance_are_rare_with_several_groups():
    """Four groups of the sizes of the age bands, with
    a true largest difference just over the tolerance.
    """
    passes = 0
    sizes, shares = (881, 955, 605, 281), (0.50, 0.50, 0.55, 0.6001)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        outcome = np.concatenate(
            [rng.random(n) < share for n, share in zip(sizes, shares, strict=True)]
        )
        group = np.repeat(list("abcd"), sizes)
        passes += (
            audit_difference(outcome, np.ones(len(group), bool), group, **AUDIT).verdict == "pass"
        )
    assert passes / 400 <= 0.04


def test_fairlearn_is_certain_of_eleven_of_eleven_where_the_exact_interval_is_not():
    """Its bootstrap of eleven hits draws eleven hits each time: [1, 1]."""
    y_true, group = np.ones(22, int), np.repeat(["a", "b"], 11)
    frame = MetricFrame(
        metrics=true_positive_rate,
        y_true=y_true,
        y_pred=y_true,
        sensitive_features=group,
        n_boot=50,
        ci_quantiles=[0.025, 0.975],
        random_state=0,
    )
    assert [(end["a"], end["b"]) for end in frame.by_group_ci] == [(1.0, 1.0), (1.0, 1.0)]
    for rate in rates_by_group(y_true == 1, y_true == 1, group):
        assert (rate.rate, round(rate.ci_low, 3), rate.ci_high) == (1.0, 0.715, 1.0)
    found = audit_difference(y_true == 1, y_true == 1, group, tolerance=0.1)
    assert found.verdict == "insufficient evidence"
    assert found.ci_high > 0.1


def test_groups_of_one_row_give_no_verdict_and_the_widest_intervals():
    outcome, denominator, group = (
        np.array([True, False, True]),
        np.ones(3, bool),
        np.array(["a", "b", "c"]),
    )
    rates = rates_by_group(outcome, denominator, group)
    assert [(rate.ci_low, rate.ci_high) for rate in rates] == [
        pytest.approx((0.025, 1.0)),
        pytest.approx((0.0, 0.975)),
        pytest.approx((0.025, 1.0)),
    ]
    found = audit_difference(outcome, denominator, group, tolerance=0.1, minimum_size=82)
    assert found.verdict == "insufficient evidence"
    assert found.reason == "group a has only 1 rows, at least 82 are needed"
    assert audit_difference(outcome, denominator, group, **AUDIT).verdict == "insufficient evidence"


def test_interval_of_a_difference_agrees_with_the_bootstrap(rng):
    """Two groups; shares resampled as binomial counts. Their ends differ by a hundredth at most."""
    outcome, denominator, group = groups(400, 0.35, 0.55)
    found = audit_difference(outcome, denominator, group, **AUDIT)
    drawn = (rng.binomial(400, 0.55, 20_000) - rng.binomial(400, 0.35, 20_000)) / 400
    assert (found.ci_low, found.ci_high) == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]), abs=0.01
    )


@pytest.mark.parametrize(
    ("recall", "alarms", "expected"),
    [
        ("pass", "pass", "pass"),
        ("pass", "fail", "fail"),
        ("fail", "insufficient evidence", "fail"),
        ("pass", "insufficient evidence", "insufficient evidence"),
        ("not assessable", "pass", "not assessable"),
    ],
)
def test_equalized_odds_is_the_larger_difference_and_the_worse_verdict(recall, alarms, expected):
    found = equalized_odds(
        Disparity(0.1, 0.05, 0.2, recall, "r"), Disparity(0.08, 0.06, 0.3, alarms, "a")
    )
    assert (found.value, found.ci_low, found.ci_high, found.verdict) == (0.1, 0.06, 0.3, expected)


def test_equalized_odds_equals_fairlearn(rng):
    y_true, group = rng.integers(0, 2, 600), np.repeat(["a", "b", "c"], 200)
    alert = rng.random(600) < 0.3 + 0.2 * y_true
    recall, alarms = (audit_difference(alert, y_true == label, group, **AUDIT) for label in (1, 0))
    expected = equalized_odds_difference(y_true, alert, sensitive_features=group)
    assert equalized_odds(recall, alarms).value == pytest.approx(expected)


def test_rows_of_one_customer_count_for_their_effective_sample_size():
    rng = np.random.default_rng(4)
    wrong, blind, n_customers, n_payments = 0, 0, 60, 20
    group = np.repeat(["a", "b"], n_customers * n_payments)
    customer = np.repeat(np.arange(2 * n_customers), n_payments)
    everyone = np.ones(len(group), bool)
    for _ in range(300):
        # frauds of a customer are caught or missed together: recalls of a beta distribution, alike
        # in both groups
        caught = rng.random(len(group)) < np.repeat(rng.beta(2, 2, 2 * n_customers), n_payments)
        wrong += audit_difference(caught, everyone, group, customer, tolerance=0.0).ci_low > 0
        blind += audit_difference(caught, everyone, group, tolerance=0.0).ci_low > 0
    assert wrong / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert blind / 300 > 0.2


def test_group_of_one_customer_tells_as_much_as_one_row():
    found = rates_by_group(
        np.array([True, False, True]), np.ones(3, bool), np.repeat("a", 3), np.repeat(7, 3)
    )[0]
    assert found.effective_counts == pytest.approx((2 / 3, 1.0))
    assert found.ci_high - found.ci_low > 0.95


def test_clusters_of_one_row_change_nothing():
    outcome, denominator, group = groups(500, 0.2, 0.3)
    alone = np.arange(len(group))
    apart, together = (
        audit_difference(outcome, denominator, group, whose, **AUDIT) for whose in (alone, None)
    )
    assert apart.verdict == together.verdict
    assert (apart.ci_low, apart.ci_high) == pytest.approx(
        (together.ci_low, together.ci_high), abs=0.001
    )
    for rate in rates_by_group(outcome, denominator, group, alone):
        assert rate.design_effect == pytest.approx(1, abs=0.01)
