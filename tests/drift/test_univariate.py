import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_core.drift.binned import benjamini_hochberg, bin_edges, bin_shares
from fraud_core.drift.distances import kolmogorov_smirnov
from fraud_core.drift.performance import compare_performance, verdict
from fraud_core.drift.univariate import (
    compare_features,
    population_stability_index,
)
from fraud_core.model.intervals import Interval

LIMITS = {"n_bins": 10, "psi_limit": 0.1, "alpha": 0.01}


def test_psi_by_hand():
    # two bins at the median: shares 0.5, 0.5 against 0.25, 0.75
    reference, current = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 3.0, 2.0])
    expected = (0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5)
    assert population_stability_index(reference, current, n_bins=2) == pytest.approx(expected)


def test_psi_is_zero_for_identical_windows(rng):
    x = rng.normal(size=500)
    assert population_stability_index(x, x) == 0.0


def test_psi_of_disjoint_windows_is_large_and_finite():
    assert 5 < population_stability_index(np.zeros(100), np.ones(100) * 9) < 100


@given(st.integers(0, 10_000))
def test_psi_ignores_row_order_and_monotone_scaling(seed):
    rng = np.random.default_rng(seed)
    reference, current = rng.normal(size=101), rng.normal(0.3, 1, size=101)
    plain = population_stability_index(reference, current, n_bins=5)
    assert plain >= 0
    assert population_stability_index(np.sort(reference) * 8 + 1, current[::-1] * 8 + 1, n_bins=5) == pytest.approx(
        plain
    )


def test_constant_feature_has_one_bin_and_no_drift_unless_it_moves():
    assert len(bin_edges(np.ones(50), 10)) == 2
    assert population_stability_index(np.ones(50), np.ones(70)) == 0.0
    assert population_stability_index(np.ones(50), np.zeros(50)) > 1


@pytest.mark.parametrize("bad", [np.array([]), np.array([1.0, np.nan]), np.array([np.inf])])
def test_empty_or_undefined_windows_are_errors_never_no_drift(bad):
    for windows in ((bad, np.ones(3)), (np.ones(3), bad)):
        with pytest.raises(ValueError, match="expected"):
            population_stability_index(*windows)
        with pytest.raises(ValueError, match="expected"):
            kolmogorov_smirnov(*windows)


def test_shares_sum_to_one(rng):
    assert bin_shares(rng.normal(size=77), np.array([-1.0, 0.0, 1.0])).sum() == pytest.approx(1.0)


def test_kolmogorov_smirnov_by_hand():
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([3.0, 4.0]))[0] == 1.0


def test_benjamini_hochberg_by_hand():
    # sorted 0.01, 0.02, 0.03 of three: 0.03, 0.03, 0.03
    np.testing.assert_allclose(benjamini_hochberg(np.array([0.02, 0.01, 0.03])), 0.03)


def test_significant_but_tiny_change_has_moved_and_not_drifted(rng):
    found = compare_features(rng.normal(size=(50_000, 1)), rng.normal(0.05, 1, size=(50_000, 1)), ["x"], **LIMITS)[0]
    assert found.p_value < 0.01
    assert found.state == "moved"


def test_large_shift_is_found_in_the_right_column(rng):
    reference, current = rng.normal(size=(3000, 3)), rng.normal(size=(3000, 3))
    current[:, 1] += 0.8
    assert [drift.state for drift in compare_features(reference, current, list("abc"), **LIMITS)] == [
        "stable", "drifted", "stable",
    ]  # fmt: skip


def test_window_that_is_too_small_is_unknown(rng):
    found = compare_features(rng.normal(size=(3000, 1)), rng.normal(5, 1, size=(50, 1)), ["x"], **LIMITS)
    assert found[0].state == "unknown"


def test_performance_is_measured_on_rows_the_model_has_not_seen(versions, rng):
    model = {"seed": 1, "n_threads": 1, "catboost": {"iterations": 30}}
    before, after, change = compare_performance(
        versions.training_rows, versions.holdout, model=model,
        decision={"alert_budget": 0.1, "review_cost_eur": 5.0}, n_replicates=100, rng=rng,
    )  # fmt: skip
    assert set(before) == set(after) == set(change)
    assert change["average_precision"].value == pytest.approx(
        after["average_precision"].value - before["average_precision"].value
    )
    # both days are simulated alike, so the interval of the change holds zero
    assert not change["average_precision"].excludes(0.0)


def test_unchanged_needs_a_narrow_interval():
    assert verdict(Interval(0.0, -0.01, 0.01), limit=0.05) == "unchanged"
    assert verdict(Interval(0.0, -0.10, 0.10), limit=0.05) == "insufficient evidence"
    assert verdict(Interval(0.1, 0.02, 0.20), limit=0.05) == "rose"
