import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.fairness.audit import audit_difference
from fraud_core.fairness.threshold_curves import (
    CalibrationBin,
    audit_thresholds,
    calibrate,
    calibration_error,
    calibration_within,
)

TOLERANCES = {"tolerance": 0.1, "ratio_tolerance": 0.8, "minimum_size": 50}


@pytest.fixture(scope="module")
def unequal():
    """Positives of group b score lower, so that recall differs most where few are selected."""
    rng = np.random.default_rng(1)
    y_true, group = (rng.random(8000) < 0.3).astype(int), np.where(rng.random(8000) < 0.5, "a", "b")
    return y_true, y_true * np.where(group == "a", 2.5, 1.0) + rng.normal(size=8000), group


def test_each_threshold_is_the_audit_of_its_alerts(unequal):
    y_true, log_odds, group = unequal
    found = audit_thresholds(y_true, log_odds, group, [0.1, 0.3], **TOLERANCES)
    for at in found:
        alert = log_odds >= np.quantile(log_odds, 1 - at.selection_rate)
        assert alert.mean() == pytest.approx(at.selection_rate, abs=1e-3)
        assert at.recall == audit_difference(
            alert, y_true == 1, group, tolerance=0.1, minimum_size=50
        )
        assert at.false_positive_rate == audit_difference(
            alert, y_true == 0, group, tolerance=0.1, minimum_size=50
        )


def test_gap_that_is_there_is_seen_at_every_threshold_and_parity_where_all_are_selected(unequal):
    found = audit_thresholds(*unequal, [0.1, 0.3, 1.0], **TOLERANCES)
    assert [at.recall.verdict for at in found] == ["fail", "fail", "pass"]
    assert found[-1].recall.value == 0.0
    assert found[-1].false_positive_ratio.value == 1.0


def test_group_without_positives_is_insufficient_evidence_at_every_threshold():
    y_true, group = np.repeat([1, 0], 100), np.repeat(["a", "b"], 100)
    found = audit_thresholds(y_true, np.arange(200.0), group, [0.2, 0.5], **TOLERANCES)
    assert {at.recall.verdict for at in found} == {"insufficient evidence"}


def test_one_calibration_fits_all_together_and_misfits_groups_whose_base_rates_differ():
    rng = np.random.default_rng(2)
    group = np.repeat(["a", "b"], 5000)
    y_true = (rng.random(10_000) < np.where(group == "a", 0.5, 0.1)).astype(int)
    log_odds = rng.normal(size=10_000)
    probability = calibrate(y_true, log_odds)
    assert probability.mean() == pytest.approx(y_true.mean(), abs=0.01)
    within = calibration_within(y_true, probability, group, minimum_size=100)
    assert all(each.observed.ci_low > each.predicted for each in within["a"])
    assert all(each.observed.ci_high < each.predicted for each in within["b"])
    assert calibration_error(within["a"]) == pytest.approx(0.2, abs=0.03)


def test_calibrated_groups_have_a_small_error_and_small_groups_and_bins_are_left_out():
    rng = np.random.default_rng(3)
    probability = rng.random(20_000)
    y_true = (rng.random(20_000) < probability).astype(int)
    group = np.where(np.arange(20_000) < 40, "few", "many")
    group[:4000] = np.where(probability[:4000] < 0.1, "low", group[:4000])
    found = calibration_within(y_true, probability, group, minimum_size=300)
    assert set(found) == {"many", "low"}
    assert calibration_error(found["many"]) < 0.02
    assert len(found["low"]) == 1


def test_error_by_hand():
    bins = [
        CalibrationBin(0.1, Estimate(0.2, 0, 1), 30),
        CalibrationBin(0.9, Estimate(0.7, 0, 1), 10),
    ]
    assert calibration_error(bins) == pytest.approx((30 * 0.1 + 10 * 0.2) / 40)
