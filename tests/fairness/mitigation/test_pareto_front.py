import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.fairness.group_label_suppression import at_rate, first_visible, suppression_effects
from fraud_core.fairness.mitigation.group_thresholds import (
    GroupThresholds,
    ScoredRows,
    choose_group_thresholds,
)
from fraud_core.fairness.mitigation.pareto_front import (
    build_pareto_front,
    draw_weights,
    evaluate_methods,
)
from fraud_core.model.estimators import EstimatorConfig

SETTINGS = {"miss_cost": 5.0, "tolerances": [0.0, 0.1], "n_splits": 2, "n_iterations": 2}
ESTIMATOR = EstimatorConfig("catboost", {"iterations": 20, "depth": 3})


@pytest.fixture(scope="module")
def unequal():
    """Group b's positives score lower, so that one threshold for all misses more of them."""
    rng = np.random.default_rng(1)
    n = 6000
    group, y_true = np.where(rng.random(n) < 0.5, "a", "b"), (rng.random(n) < 0.2).astype(int)
    log_odds = y_true * np.where(group == "a", 3.0, 1.2) + rng.normal(size=n)
    return ScoredRows(y_true, log_odds, group, np.column_stack([log_odds, rng.normal(size=n)]))


def disparity(rows, alert):
    rates = [[alert[(rows.group == g) & (rows.y_true == y)].mean() for g in "ab"] for y in (0, 1)]
    return max(abs(a - b) for a, b in rates)


@pytest.mark.parametrize("tolerance", [0.0, 0.05])
@pytest.mark.parametrize("budget", [None, 0.2])
def test_programme_keeps_tolerance_and_budget_on_the_rows_it_saw(unequal, tolerance, budget):
    found = choose_group_thresholds(unequal, miss_cost=5.0, tolerance=tolerance, budget=budget)
    alert = found.alert_probability(unequal)
    assert disparity(unequal, alert) <= tolerance + 1e-6
    if budget is not None:
        assert alert.mean() <= budget + 1e-9


def test_parity_costs_more_than_none(unequal):
    costs = []
    for tolerance in (0.0, 0.1, 1.0):
        alert = choose_group_thresholds(
            unequal, miss_cost=5.0, tolerance=tolerance, budget=0.2
        ).alert_probability(unequal)
        costs.append((5 * unequal.y_true * (1 - alert) + alert).sum())
    assert costs[0] >= costs[1] >= costs[2]
    assert costs[0] > costs[2]


def test_front_halves_the_difference_of_the_champion_on_rows_not_seen(unequal):
    front = build_pareto_front(unequal, SETTINGS, selection_rate=0.2, n_replicates=50, seed=1)
    assert front[0].method == "champion"
    assert front[0].cost_ratio.value == front[0].cost_ratio.ci_high == 1.0
    exact = next(one for one in front if one.tolerance == 0.0)
    assert exact.equalized_odds.value < front[0].equalized_odds.value / 2
    assert exact.residual_disparity_ratio.value == pytest.approx(
        exact.equalized_odds.value / front[0].equalized_odds.value
    )
    assert exact.residual_disparity_ratio.ci_high < 0.5
    assert exact.halved == 1.0
    assert (front[0].residual_disparity_ratio.value, front[0].halved) == (1.0, 0.0)
    assert {one.method for one in front} == {
        "champion",
        "group thresholds within the budget",
        "group thresholds",
        "Fairlearn ThresholdOptimizer",
        "Fairlearn ExponentiatedGradient, one half",
    }


def test_rows_of_one_group_are_refused(unequal):
    with pytest.raises(ParameterError, match="at least two groups, found a"):
        choose_group_thresholds(
            unequal.at(unequal.group == "a"), miss_cost=5.0, tolerance=0.0, budget=None
        )


def test_group_without_positives_or_negatives_is_refused(unequal):
    for label, lacking in ((0, "positives"), (1, "negatives")):
        rows = unequal.at((unequal.group == "a") | (unequal.y_true == label))
        with pytest.raises(ParameterError, match=f"group b has no {lacking} among"):
            choose_group_thresholds(rows, miss_cost=5.0, tolerance=0.0, budget=None)


def test_group_of_one_row_is_refused(unequal):
    group = unequal.group.copy()
    group[0] = "c"
    rows = ScoredRows(unequal.y_true, unequal.log_odds, group, unequal.features)
    with pytest.raises(ParameterError, match=r"group c has no .* among 1 rows"):
        choose_group_thresholds(rows, miss_cost=5.0, tolerance=0.0, budget=None)


def test_group_for_which_no_threshold_was_chosen_is_named():
    thresholds = GroupThresholds({"a": np.zeros(1)}, {"a": np.ones(1)})
    rows = ScoredRows(np.array([0, 1]), np.zeros(2), np.array(["a", "z"]), np.zeros((2, 1)))
    with pytest.raises(ParameterError, match="found group z, for which no threshold was chosen"):
        thresholds.alert_probability(rows)


def rows_by_hand():
    return ScoredRows(
        np.array([1, 1, 0, 0]), np.zeros(4), np.array(["a", "b", "a", "b"]), np.zeros((4, 1))
    )


def test_evaluated_rates_by_hand():
    methods = [("all", None, np.ones(4)), ("x", None, np.array([1.0, 0.0, 0.0, 0.0]))]
    weight = draw_weights(4, 5, np.random.default_rng(0))
    everyone, found = evaluate_methods([(rows_by_hand(), methods, weight)], miss_cost=3.0)
    assert (everyone.equalized_odds.value, everyone.alert_share, everyone.cost_ratio.value) == (
        0.0,
        1.0,
        1.0,
    )
    # one alert and one miss of three reviews, against four alerts
    assert (found.equalized_odds.value, found.alert_share, found.cost_ratio.value) == (
        1.0,
        0.25,
        1.0,
    )


def test_half_splits_are_averaged_by_hand():
    rows, weight = rows_by_hand(), np.ones((3, 4), np.float32)
    first = [
        ("one", None, np.array([1.0, 0.0, 0.0, 0.0])),
        ("other", None, np.array([1.0, 0.5, 0.0, 0.0])),
    ]
    second = [
        ("one", None, np.array([1.0, 0.0, 0.0, 0.0])),
        ("other", None, np.array([1.0, 0.2, 0.0, 0.0])),
    ]
    found = evaluate_methods([(rows, first, weight), (rows, second, weight)], miss_cost=3.0)[1]
    assert found.equalized_odds.value == pytest.approx(0.65)
    assert found.residual_disparity_ratio.value == pytest.approx(0.65)
    assert found.halved == 0.5
    assert found.cost_ratio.value == pytest.approx((1 + 0.5 + 1.5 + 1 + 0.2 + 2.4) / 8)


def test_suppressed_positives_of_a_group_that_features_tell_apart_hurt_it():
    rng = np.random.default_rng(2)
    n = 6000
    member, y_true = rng.random(n) < 0.4, (rng.random(n) < 0.25).astype(int)
    features = np.column_stack(
        [member + 0.01 * rng.normal(size=n), y_true + 0.5 * rng.normal(size=n)]
    )
    effects = suppression_effects(
        features,
        y_true,
        member,
        shares=[0.9],
        n_seeds=1,
        estimator=ESTIMATOR,
        selection_rates=[0.1, 0.25],
        n_replicates=50,
        seed=1,
    )
    assert [(effect.selection_rate, effect.suppressed_share) for effect in effects] == [
        (0.1, 0.0),
        (0.1, 0.9),
        (0.25, 0.0),
        (0.25, 0.9),
    ]
    effects = at_rate(effects, 0.25)
    assert effects[1].changes["group recall"].ci_high < -0.2
    assert first_visible(effects, "group recall") == "90%"
