import numpy as np
import pytest

from fraud_core.evaluation.metrics import expected_cost_eur
from fraud_core.model.operating_point import choose_threshold

BUDGET = {"review_cost_eur": 5.0, "alert_budget": 1.0}


def test_threshold_by_hand():
    y_true, p, eur = (
        np.array([1, 0, 1, 0]),
        np.array([0.9, 0.6, 0.4, 0.1]),
        np.array([100.0, 9.0, 3.0, 9.0]),
    )
    found = choose_threshold(y_true, p, eur, **BUDGET)
    # catching the second fraud saves 3 euros and costs two reviews of 5
    assert found.expected_cost_eur == 3.0 + 5.0
    assert 0.6 < found.threshold <= 0.9


def test_cost_is_that_of_the_threshold(rng):
    y_true = (rng.random(500) < 0.1).astype(int)
    p, eur = rng.random(500).round(2) * 0.5 + 0.4 * y_true, rng.gamma(1, 50, 500)
    found = choose_threshold(y_true, p, eur, **BUDGET)
    assert expected_cost_eur(y_true, p >= found.threshold, eur, 5.0) == pytest.approx(
        found.expected_cost_eur
    )


def test_no_other_score_as_threshold_is_cheaper_within_the_budget(rng):
    y_true = (rng.random(300) < 0.1).astype(int)
    p, eur = np.round(0.5 * rng.random(300) + 0.4 * y_true, 2), rng.gamma(1, 50, 300)
    found = choose_threshold(y_true, p, eur, review_cost_eur=5.0, alert_budget=0.08)
    allowed = [t for t in np.unique(p) if np.mean(p >= t) <= 0.08]
    assert found.alert_share <= 0.08
    assert found.expected_cost_eur == pytest.approx(
        min(expected_cost_eur(y_true, p >= t, eur, 5.0) for t in allowed)
    )


def test_constant_score_cannot_keep_a_budget():
    with pytest.raises(ValueError, match="does not rank"):
        choose_threshold(
            np.array([0, 1, 0, 0]),
            np.full(4, 0.5),
            np.ones(4),
            review_cost_eur=1.0,
            alert_budget=0.25,
        )
