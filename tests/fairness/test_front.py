import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.fairness.front import ScoredRows, build_front, choose_group_thresholds, judge_policies
from fraud_core.fairness.hidden import first_visible, hidden_effects

SETTINGS = {"miss_cost": 5.0, "tolerances": [0.0, 0.1], "n_iterations": 5}
MODEL = {"seed": 1, "n_threads": 1, "catboost": {"iterations": 20, "depth": 3}}


@pytest.fixture(scope="module")
def unequal():
    """Group b's positives score lower, so that one threshold for all misses more of them."""
    rng = np.random.default_rng(1)
    n = 6000
    group, y_true = np.where(rng.random(n) < 0.5, "a", "b"), (rng.random(n) < 0.2).astype(int)
    margin = y_true * np.where(group == "a", 3.0, 1.2) + rng.normal(size=n)
    return ScoredRows(y_true, margin, group, np.column_stack([margin, rng.normal(size=n)]))


def gap(rows, alert):
    rates = [[alert[(rows.group == g) & (rows.y_true == y)].mean() for g in "ab"] for y in (0, 1)]
    return max(abs(a - b) for a, b in rates)


@pytest.mark.parametrize("tolerance", [0.0, 0.05])
@pytest.mark.parametrize("budget", [None, 0.2])
def test_programme_keeps_tolerance_and_budget_on_the_rows_it_saw(unequal, tolerance, budget):
    found = choose_group_thresholds(unequal, miss_cost=5.0, tolerance=tolerance, budget=budget)
    alert = found.alert_probability(unequal)
    assert gap(unequal, alert) <= tolerance + 1e-6
    if budget is not None:
        assert alert.mean() <= budget + 1e-9


def test_equal_treatment_costs_more_than_none(unequal):
    costs = []
    for tolerance in (0.0, 0.1, 1.0):
        alert = choose_group_thresholds(unequal, miss_cost=5.0, tolerance=tolerance, budget=0.2).alert_probability(
            unequal
        )
        costs.append((5 * unequal.y_true * (1 - alert) + alert).sum())
    assert costs[0] >= costs[1] >= costs[2]
    assert costs[0] > costs[2]


def test_front_halves_the_difference_of_the_champion_on_rows_not_seen(unequal):
    front = build_front(unequal, SETTINGS, selection_rate=0.2, n_replicates=50, seed=1)
    assert front[0].method == "champion"
    assert front[0].cost_ratio.value == front[0].cost_ratio.high == 1.0
    exact = next(way for way in front if way.tolerance == 0.0)
    assert exact.equalized_odds.value < front[0].equalized_odds.value / 2
    assert {way.method for way in front} == {
        "champion", "group thresholds within the budget", "group thresholds", "Fairlearn ThresholdOptimizer",
        "Fairlearn ExponentiatedGradient",
    }  # fmt: skip


def test_rows_of_one_group_are_refused(unequal):
    with pytest.raises(ParameterError, match="at least two groups, found a"):
        choose_group_thresholds(unequal.at(unequal.group == "a"), miss_cost=5.0, tolerance=0.0, budget=None)


def test_judged_rates_by_hand():
    rows = ScoredRows(np.array([1, 1, 0, 0]), np.zeros(4), np.array(["a", "b", "a", "b"]), np.zeros((4, 1)))
    alert = np.array([1.0, 0.0, 0.0, 0.0])
    found = judge_policies(rows, [("x", None, alert)], miss_cost=3.0, n_replicates=5, rng=np.random.default_rng(0))[0]
    assert (found.equalized_odds.value, found.alert_share) == (1.0, 0.25)


def test_hidden_positives_of_a_group_that_features_tell_apart_hurt_it():
    rng = np.random.default_rng(2)
    n = 6000
    member, y_true = rng.random(n) < 0.4, (rng.random(n) < 0.25).astype(int)
    features = np.column_stack([member + 0.01 * rng.normal(size=n), y_true + 0.5 * rng.normal(size=n)])
    effects = hidden_effects(
        features, y_true, member, shares=[0.9], n_seeds=1, model=MODEL, selection_rate=0.25, n_replicates=50, seed=1
    )
    assert effects[0].hidden_share == 0.0
    assert effects[1].changes["group recall"].high < -0.2
    assert first_visible(effects, "group recall") == "90%"
