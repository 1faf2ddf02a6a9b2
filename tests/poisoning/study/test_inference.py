"""Intervals over draws and Fieller's ratios: by hand,
against simulation, and where they have no bound.
"""

import numpy as np
import pytest

from fraud_core.poisoning.study.inference import covariance_of_means, fieller, mean_over_draws


def draws(rng, mean, n=5, draw_sd=0.02, row_sd=0.02, n_replicates=200):
    """Values of draws that share their rows, and resamples about each."""
    rows = rng.normal(0, row_sd)
    values = mean + rows + rng.normal(0, draw_sd, n)
    return values[:, None] + np.concatenate(
        [np.zeros((n, 1)), rng.normal(0, row_sd, (n, n_replicates))], axis=1
    )


def test_rows_are_not_averaged_away_and_draws_are():
    rng = np.random.default_rng(0)
    wide = mean_over_draws(list(draws(rng, 0.5, n=50, draw_sd=0.0)))
    assert (wide.ci_high - wide.ci_low) / 2 == pytest.approx(1.96 * 0.02, rel=0.1)


def test_one_draw_takes_the_null_band():
    found = mean_over_draws([np.full(10, 0.3)], null_band=0.05)
    assert (found.ci_low, found.ci_high) == pytest.approx((0.25, 0.35))


def test_interval_of_a_mean_covers():
    rng = np.random.default_rng(1)
    found = [mean_over_draws(list(draws(rng, 0.5))) for _ in range(400)]
    covered = np.mean([interval.ci_low <= 0.5 <= interval.ci_high for interval in found])
    assert covered >= 0.94


def test_covariance_holds_rows_and_draws():
    rng = np.random.default_rng(2)
    one = draws(rng, 0.0, n=2000, draw_sd=0.2, row_sd=0.1)
    assert covariance_of_means(one, one)[0, 1] == pytest.approx(0.1**2 + 0.2**2 / 2000, rel=0.1)


def test_ratio_covers_with_five_draws():
    rng, covered = np.random.default_rng(3), []
    for _ in range(400):
        found = fieller(draws(rng, 0.06), draws(rng, 0.2))
        covered.append(found is not None and found.ci_low <= 0.3 <= found.ci_high)
    assert np.mean(covered) >= 0.94


def test_ratio_to_nothing_has_no_bound():
    rng = np.random.default_rng(4)
    assert fieller(draws(rng, 0.02), draws(rng, 0.0)) is None
    assert fieller(draws(rng, 0.5, n=1), draws(rng, 0.5, n=1)) is None
