import numpy as np
import pytest
from scipy import stats

from fraud_core.drift.study.error_rates import (
    calibrate,
    false_alarm_rate,
    index_power,
    power,
    same_hours,
)
from fraud_core.drift.study.injected_changes import stability_index
from fraud_core.drift.two_sample.windows import prepare_window

NAMES = list("abcdef")


class TestFalseAlarms:
    def test_false_alarms_on_few_rows_stay_in_their_budget(self, rng):
        """A small reference is the hard case: what is
        fitted on it fits it better than any other rows.
        """
        rates = [
            false_alarm_rate(
                rng.standard_t(3, size=(1500, 6)),
                NAMES,
                n_rows=300,
                n_windows=2,
                n_bins=10,
                alpha=0.05,
                rng=rng,
            )
            for _ in range(60)
        ]
        alarmed = sum(2 * rate["any"].value for rate in rates)
        assert alarmed <= stats.binom.ppf(0.999, 120, 0.05)

    def test_more_rows_than_half_of_the_pool_are_refused(self, rng):
        with pytest.raises(ValueError, match="at most half"):
            false_alarm_rate(
                rng.normal(size=(100, 6)),
                NAMES,
                n_rows=60,
                n_windows=1,
                n_bins=5,
                alpha=0.05,
                rng=rng,
            )

    def test_interval_is_the_exact_binomial_one(self, rng):
        found = false_alarm_rate(
            rng.normal(size=(2000, 6)),
            NAMES,
            n_rows=500,
            n_windows=5,
            n_bins=10,
            alpha=0.05,
            rng=rng,
        )["any"]
        expected = stats.binomtest(round(5 * found.value), 5).proportion_ci(0.95, method="exact")
        assert (found.ci_low, found.ci_high) == pytest.approx((expected.low, expected.high))


def test_power_without_a_change_is_the_rate_of_false_alarms(rng):
    rows = rng.normal(size=(6000, 6))
    prepared = prepare_window(rows[:4000], NAMES, n_bins=10, rng=rng)
    found = power(
        prepared,
        rows[4000:],
        lambda window, rng: window,
        n_rows=500,
        n_windows=40,
        alpha=0.05,
        rng=rng,
    )
    assert found["any"].value <= stats.binom.ppf(0.999, 40, 0.05) / 40


def test_power_at_an_index_counts_the_feature_that_was_changed_alone(rng):
    """Every other feature moves far; only the one that
    `change` touched may count, and it keeps its place.
    """
    rows = rng.normal(size=(6000, 6))
    prepared = prepare_window(rows[:4000], NAMES, n_bins=10, rng=rng)
    far = rows[4000:] + np.array([0, 3.0, 3.0, 3.0, 3.0, 3.0])

    def barely(window, rng):
        return window + np.array([1e-9, 0, 0, 0, 0, 0])

    setting = {"n_rows": 800, "n_windows": 10, "psi_threshold": 0.1, "alpha": 0.05, "rng": rng}
    assert index_power(prepared, far, barely, **setting).value == 0.0
    tilt = stability_index(0.3, rows[:4000], n_bins=10)
    assert index_power(prepared, rows[4000:], tilt, **setting).value == 1.0


@pytest.mark.parametrize("hours", [range(6), range(8, 20)])
def test_hours_alarm_against_the_whole_day_and_not_against_themselves(rng, hours):
    n = 24_000
    hour = np.arange(n) % 24
    rows = rng.normal(size=(n, 4)) + np.sin(hour / 24 * 2 * np.pi)[:, None]
    found = same_hours(rows, hour, hours=hours, n_windows=40, alpha=0.05, n_bins=10, rng=rng)
    assert found["whole_day"].value > 0.9
    assert found["same_hours"].value <= stats.binom.ppf(0.999, 40, 0.05) / 40


def test_power_and_night_on_simulated_days(rng):
    n = 24_000
    hour = np.arange(n) % 24
    rows = rng.normal(size=(n, 6)) + np.sin(hour / 24 * 2 * np.pi)[:, None]
    found = calibrate(
        rows,
        rng.normal(size=(n, 6)),
        hour,
        NAMES,
        aa_windows={500: 10},
        power_rows=5000,
        power_windows=10,
        thresholds={"n_bins": 10, "psi_threshold": 0.1, "alpha": 0.05},
        rng=rng,
    )
    assert found.power["one_feature"].value == 1.0
    assert found.power["some_rows"].value == 1.0
    assert found.by_hours["night", "whole_day"].value == 1.0
    assert found.by_hours["night", "same_hours"].value <= 0.3
    assert found.by_hours["day", "same_hours"].value <= 0.3
