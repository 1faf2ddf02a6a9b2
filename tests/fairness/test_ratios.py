import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_ratio
from hypothesis import given, strategies as st

from fraud_core.fairness.ratios import audit_ratio


def groups(n, *shares):
    outcome = np.concatenate([np.arange(n) < round(share * n) for share in shares])
    return (
        outcome,
        np.ones(len(outcome), dtype=bool),
        np.repeat([f"g{k}" for k in range(len(shares))], n),
    )


def test_ratio_by_hand():
    assert audit_ratio(*groups(1000, 0.2, 0.5, 0.4), tolerance=0.8).value == pytest.approx(0.4)


def test_interval_by_hand():
    found = audit_ratio(*groups(100, 0.2, 0.4), tolerance=0.8)
    a, b = 20.5 / 100.5, 40.5 / 100.5
    error = np.sqrt(1 / 20.5 + 1 / 40.5 - 2 / 100.5)
    assert (found.ci_low, found.ci_high) == pytest.approx(
        tuple(a / b * np.exp(s * 1.959964 * error) for s in (-1, 1))
    )


def test_fail_is_corrected_for_the_number_of_pairs_and_pass_is_not():
    """Of three groups the far pair decides: its upper end at
    a third of the tail, its lower end at the whole of it.
    """
    found = audit_ratio(*groups(1000, 0.2, 0.3, 0.4), tolerance=0.8)
    a, b = 200.5 / 1000.5, 400.5 / 1000.5
    error = np.sqrt(1 / 200.5 + 1 / 400.5 - 2 / 1000.5)
    assert found.ci_low == pytest.approx(a / b * np.exp(-1.959964 * error), rel=1e-6)
    assert found.ci_high == pytest.approx(a / b * np.exp(2.393980 * error), rel=1e-6)


def test_verdicts_follow_the_interval():
    assert audit_ratio(*groups(20_000, 0.20, 0.21), tolerance=0.8).verdict == "pass"
    assert audit_ratio(*groups(20_000, 0.10, 0.20), tolerance=0.8).verdict == "fail"
    assert audit_ratio(*groups(60, 0.20, 0.30), tolerance=0.8).verdict == "insufficient evidence"


def test_limits_one_group_no_outcome_and_no_row():
    assert audit_ratio(*groups(50, 0.5), tolerance=0.8).verdict == "not assessable"
    nobody = audit_ratio(*groups(50, 0.0, 0.0), tolerance=0.8)
    assert (nobody.value, nobody.verdict) == (1.0, "insufficient evidence")
    outcome, denominator, group = groups(50, 0.5, 0.5)
    denominator[group == "g1"] = False
    found = audit_ratio(outcome, denominator, group, tolerance=0.8)
    assert (found.verdict, found.ci_low, found.ci_high) == ("insufficient evidence", 0.0, 1.0)
    assert "no row in the denominator of group g1" in found.reason


def test_small_group_keeps_the_others_from_passing_but_not_from_failing():
    group = np.repeat(["a", "b", "c"], [20_000, 20_000, 3])
    everyone, even = np.ones(len(group), bool), np.arange(len(group)) % 2 == 0
    assert (
        audit_ratio(even, everyone, group, tolerance=0.8, minimum_size=82).verdict
        == "insufficient evidence"
    )
    fourth = even & ((group != "b") | (np.arange(len(group)) % 4 == 0))
    assert audit_ratio(fourth, everyone, group, tolerance=0.8, minimum_size=82).verdict == "fail"


def test_ratio_equals_fairlearn():
    outcome, _, group = groups(200, 0.2, 0.5, 0.35)
    expected = demographic_parity_ratio(np.zeros(600), outcome, sensitive_features=group)
    assert audit_ratio(outcome, np.ones(600, bool), group, tolerance=0.8).value == pytest.approx(
        expected
    )


@given(st.lists(st.integers(0, 40), min_size=2, max_size=5), st.randoms())
def test_ratio_lies_in_its_interval_and_does_not_know_the_order_of_groups(successes, shuffle):
    outcome = np.concatenate([np.arange(40) < count for count in successes])
    names = [f"g{k}" for k in range(len(successes))]
    found = audit_ratio(outcome, np.ones(len(outcome), bool), np.repeat(names, 40), tolerance=0.8)
    assert 0 <= found.ci_low <= found.ci_high <= 1
    assert 0 <= found.value <= 1
    shuffle.shuffle(names)
    again = audit_ratio(outcome, np.ones(len(outcome), bool), np.repeat(names, 40), tolerance=0.8)
    assert (again.value, again.ci_low, again.ci_high) == pytest.approx(
        (found.value, found.ci_low, found.ci_high)
    )


def test_false_fails_at_parity_are_rare_and_the_interval_holds_the_truth():
    fails = covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        group = np.repeat(["a", "b"], 500)
        even = audit_ratio(rng.random(1000) < 0.1, np.ones(1000, bool), group, tolerance=0.8)
        fails += even.verdict == "fail"
        uneven = audit_ratio(
            rng.random(1000) < np.repeat([0.1, 0.2], 500), np.ones(1000, bool), group, tolerance=0.8
        )
        covered += uneven.ci_low <= 0.5 <= uneven.ci_high
    assert fails / 300 <= 0.05
    assert covered / 300 >= 0.92
