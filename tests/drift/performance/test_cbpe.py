import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.drift.performance.cbpe import (
    _ranked_precision,
    estimate_performance,
    estimated_average_precision,
)
from fraud_core.evaluation.metrics import average_precision


class TestCbpe:
    def test_expectation_agrees_with_drawn_labels(self, rng):
        p = rng.beta(0.1, 2.0, 4000)
        drawn = [average_precision((rng.random(4000) < p).astype(int), p) for _ in range(60)]
        assert estimated_average_precision(p) == pytest.approx(np.mean(drawn), abs=0.01)

    def test_a_new_pattern_is_invisible_to_the_estimate(self, rng):
        log_odds = rng.normal(-4.0, 2.0, 20_000)
        y = (rng.random(20_000) < 1 / (1 + np.exp(-log_odds))).astype(int)
        changed = y.copy()
        changed[np.flatnonzero(log_odds < -5)[:1500]] = 1
        fine, broken = (
            estimate_performance(log_odds, y, log_odds, truth, rng=rng).error.value
            for truth in (y, changed)
        )
        assert abs(fine) < 0.03 < broken


def test_expectation_by_hand():
    # ranks 1 and 2 with 0.8 and 0.5: (0.8 * 1 + 0.5 * 1.8 / 2) / 1.3
    assert estimated_average_precision(np.array([0.5, 0.8])) == pytest.approx(
        (0.8 + 0.5 * 1.8 / 2) / 1.3
    )


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_expectation_ignores_the_order_of_rows_and_lies_between_0_and_1(seed):
    p = np.random.default_rng(seed).beta(0.3, 2.0, 50)
    found = estimated_average_precision(p)
    assert 0 < found <= 1
    assert estimated_average_precision(p[::-1]) == pytest.approx(found)


def test_scores_of_0_and_1_give_perfect_precision():
    assert estimated_average_precision(np.array([1.0, 0.0, 0.0])) == 1.0


def test_ranked_precision_agrees_with_scikit_learn(rng):
    from sklearn.metrics import average_precision_score

    score, y = rng.random(300), rng.random(300) < 0.2
    weight = rng.poisson(1.0, 300).astype(float)
    order = np.argsort(-score)
    ours = _ranked_precision(y[order], weight[order])
    # weights are repeats; a row that counts w times enters at once, as in sample_weight
    assert ours == pytest.approx(average_precision_score(y, score, sample_weight=weight), abs=1e-9)
    assert _ranked_precision(y[order], np.ones(300)) == pytest.approx(
        average_precision(y.astype(int), score)
    )


def test_interval_of_the_error_holds_zero_when_the_calibration_is_right():
    """Nineteen in twenty at least; the labels' noise
    is in both performances, so the interval is wide.
    """
    held = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        log_odds = rng.normal(-3.0, 2.0, 6000)
        y = (rng.random(6000) < 1 / (1 + np.exp(-log_odds))).astype(int)
        error = estimate_performance(
            log_odds[:3000], y[:3000], log_odds[3000:], y[3000:], rng=rng
        ).error
        held += not error.excludes(0.0)
    assert held >= 11


def test_labels_of_the_rows_in_question_do_not_reach_the_estimate(rng):
    log_odds = rng.normal(-3.0, 2.0, 3000)
    y = (rng.random(3000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    found = [
        estimate_performance(
            log_odds, y, log_odds[:1000], truth, rng=np.random.default_rng(0)
        ).estimated.value
        for truth in (y[:1000], 1 - y[:1000])
    ]
    assert found[0] == found[1]
