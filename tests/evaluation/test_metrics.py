import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import average_precision_score

from fraud_core.evaluation import metrics

Y = np.array([1, 0, 1, 0, 0, 0, 0, 0])
SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
labelled_scores = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 12)), min_size=2, max_size=60
).filter(lambda rows: {label for label, _ in rows} == {0, 1})


def arrays(rows):
    return np.array([label for label, _ in rows]), np.array([score / 12 for _, score in rows])


def test_average_precision_by_hand():
    # frauds at ranks 1 and 3: (1/1 + 2/3) / 2
    assert metrics.average_precision(Y, SCORE) == pytest.approx(5 / 6)


def test_average_precision_of_perfect_and_reversed_ranking():
    assert metrics.average_precision(np.array([1, 1, 0, 0]), np.array([4, 3, 2, 1.0])) == 1.0
    assert metrics.average_precision(np.array([1, 0, 0, 0]), np.array([1, 2, 3, 4.0])) == 0.25


def test_average_precision_of_equal_scores_is_the_base_rate():
    assert metrics.average_precision(Y, np.zeros(8)) == pytest.approx(0.25)


@given(labelled_scores)
def test_average_precision_equals_scikit_learn(rows):
    y_true, y_score = arrays(rows)
    assert metrics.average_precision(y_true, y_score) == pytest.approx(
        average_precision_score(y_true, y_score)
    )


@given(labelled_scores, st.randoms())
def test_average_precision_ignores_order_and_monotone_scaling(rows, random):
    shuffled = random.sample(rows, len(rows))
    y_true, y_score = arrays(rows)
    other_y, other_score = arrays(shuffled)
    assert metrics.average_precision(y_true, y_score) == pytest.approx(
        metrics.average_precision(other_y, np.exp(3 * other_score))
    )


def test_metric_without_a_fraud_is_an_error_not_a_number():
    with pytest.raises(ValueError, match="at least one fraud row"):
        metrics.average_precision(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="fraud"):
        metrics.recall_at_precision(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="fraud"):
        metrics.precision_recall(np.zeros(3), np.ones(3, dtype=bool))


def test_recall_at_precision_by_hand():
    assert metrics.recall_at_precision(Y, SCORE, 0.9) == 0.5
    assert metrics.recall_at_precision(Y, SCORE, 0.6) == 1.0
    assert metrics.recall_at_precision(1 - Y, SCORE, 0.99) == 0.0


def test_alert_budget_takes_the_highest_and_breaks_ties_against_the_model():
    assert metrics.alerts_at_budget(Y, SCORE, 2).nonzero()[0].tolist() == [0, 1]
    assert metrics.alerts_at_budget(np.array([1, 0, 1, 0]), np.zeros(4), 2).tolist() == [
        False,
        True,
        False,
        True,
    ]
    assert metrics.alerts_at_budget(Y, SCORE, 0).sum() == 0
    assert metrics.alerts_at_budget(Y, SCORE, 99).all()


def test_precision_and_recall_by_hand():
    alert = np.array([True, True, False, False, False, False, False, False])
    assert metrics.precision_recall(Y, alert) == (0.5, 0.5)
    assert metrics.precision_recall(Y, np.zeros(8, dtype=bool)) == (0.0, 0.0)


def test_expected_cost_by_hand():
    amount = np.arange(10.0, 90.0, 10.0)
    alert = np.array([True, True, False, False, False, False, False, False])
    assert metrics.expected_cost_eur(Y, alert, amount, 5.0) == 30.0 + 2 * 5.0


def test_brier_score_of_perfect_and_worst():
    assert metrics.brier_score(Y, Y.astype(float)) == 0.0
    assert metrics.brier_score(Y, 1.0 - Y) == 1.0


def test_calibration_error_by_hand():
    # two bins: two rows at 0.05 with no fraud, two rows at 0.8 with one fraud
    score, y_true = np.array([0.05, 0.05, 0.8, 0.8]), np.array([0, 0, 1, 0])
    assert metrics.calibration_error(y_true, score) == pytest.approx((0.1 + 0.6) / 4)


def test_calibration_error_of_the_base_rate_is_zero():
    assert metrics.calibration_error(Y, np.full(8, 0.25)) == pytest.approx(0.0)
