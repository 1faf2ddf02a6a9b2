"""Frauds expected against frauds observed: by hand, at the limits, and on calibrated draws."""

import numpy as np
import pytest

from fraud_core.evaluation.reliability import (
    expected_over_observed,
    poisson_limits,
    reliability_bins,
)


def test_ratio_by_hand():
    found = expected_over_observed(np.array([1, 0, 0, 0]), np.array([0.9, 0.3, 0.2, 0.1]))
    assert found.value == pytest.approx(1.5)
    assert found.ci_low < 1 < found.ci_high


def test_ratio_without_a_fraud_has_no_value():
    with pytest.raises(ValueError, match="expected at least one fraud"):
        expected_over_observed(np.zeros(3, int), np.full(3, 0.1))


def test_poisson_limits_are_those_of_the_table():
    """Garwood's limits for 10 events: 4.80 and 18.39."""
    assert poisson_limits(10) == pytest.approx((4.795, 18.390), abs=1e-3)


def test_interval_covers_one_where_the_probabilities_are_true(rng):
    covered = []
    for _ in range(300):
        p = rng.beta(0.3, 20, 3000)
        found = expected_over_observed((rng.random(3000) < p).astype(int), p)
        covered.append(found.ci_low <= 1 <= found.ci_high)
    assert np.mean(covered) >= 0.94


def test_bands_hold_every_row_once_and_keep_the_empty_ones_out(rng):
    p = rng.random(500) ** 4
    y = (rng.random(500) < p).astype(int)
    bins = reliability_bins(y, p)
    assert sum(one.rows for one in bins) == 500
    assert sum(one.observed for one in bins) == y.sum()
    assert sum(one.expected for one in bins) == pytest.approx(p.sum())
    assert all(one.low <= one.mean_probability <= one.high for one in bins)


def test_band_without_a_fraud_is_zero_with_an_upper_end():
    (one,) = reliability_bins(np.zeros(50, int), np.full(50, 0.7))
    assert (one.observed, one.observed_share.value, one.observed_share.ci_low) == (0, 0.0, 0.0)
    assert 0 < one.observed_share.ci_high < 0.1
