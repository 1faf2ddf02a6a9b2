import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fraud_core.model.calibration import METHODS, calibrate, fit_calibration


def test_equals_unpenalised_logistic_regression_on_many_rows(rng):
    y_true = rng.integers(0, 2, 20_000)
    log_odds = rng.normal(1.5 * y_true, 1.0)
    ours = fit_calibration(log_odds, y_true)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500).fit(log_odds[:, None], y_true)
    assert ours.slope == pytest.approx(theirs.coef_[0, 0], rel=1e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_separable_rows_give_finite_parameters():
    found = fit_calibration(np.array([-5.0, -4.0, 4.0, 5.0]), np.array([0, 0, 1, 1]))
    assert np.isfinite([found.slope, found.intercept]).all()
    assert 0 < found.probability(np.array([5.0]))[0] < 1


def test_mean_probability_equals_the_smoothed_share(rng):
    y_true = (rng.random(5000) < 0.02).astype(int)
    log_odds = rng.normal(3.0 * y_true, 1.0)
    n_frauds = y_true.sum()
    target = (
        n_frauds * (n_frauds + 1) / (n_frauds + 2) + (5000 - n_frauds) / (5002 - n_frauds)
    ) / 5000
    assert fit_calibration(log_odds, y_true).probability(log_odds).mean() == pytest.approx(
        target, rel=1e-6
    )


def test_order_of_the_margin_is_kept(rng):
    y_true = rng.integers(0, 2, 500)
    log_odds = rng.normal(y_true, 1.0)
    probability = fit_calibration(log_odds, y_true).probability(log_odds)
    assert (np.argsort(probability, kind="stable") == np.argsort(log_odds, kind="stable")).all()


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused(label):
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration(np.zeros(4), np.full(4, label))


def test_methods_keep_the_order_of_the_scores(rng):
    y = (rng.random(3000) < 0.05).astype(int)
    log_odds = rng.normal(3.0 * y - 4.0, 1.0)
    for method in METHODS:
        probability = calibrate(log_odds, y, method).probability(log_odds)
        assert np.all(np.diff(probability[np.argsort(log_odds)]) >= 0), method


def test_intercept_adds_up_and_leaves_the_slope(rng):
    y = (rng.random(3000) < 0.05).astype(int)
    found = calibrate(rng.normal(0, 2, 3000), y, "intercept")
    log_odds = rng.normal(3.0 * y, 1.0)
    shifted = calibrate(log_odds, y, "intercept")
    assert found.slope == shifted.slope == 1.0
    assert shifted.probability(log_odds).sum() == pytest.approx(y.sum(), rel=1e-9)


def test_unknown_method_is_refused_by_name():
    with pytest.raises(ValueError, match="expected one of none, intercept, platt, got 'isotonic'"):
        calibrate(np.zeros(2), np.array([0, 1]), "isotonic")
