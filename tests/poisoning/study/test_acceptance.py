"""The table of goals says what was missed, and says when an interval leaves it open."""

import pytest

from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.pipeline.reporting.results import read_metrics
from fraud_core.pipeline.storage.study_tables import read_study_table
from fraud_core.poisoning.study.acceptance import (
    AT_LEAST,
    AT_MOST,
    GOALS,
    Goal,
    goal_figures,
    goal_table,
)
from fraud_core.poisoning.study.conditions import CLEAN, PLACEBO, Condition

GOAL = Goal("a", "what it means", AT_LEAST, 0.9, "because")


def table(*rows):
    return StudyTable.from_measurements(rows, table="toy", study="poisoning")


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict", "reason"),
    [
        (0.95, 0.92, 0.97, "reached", ""),
        (0.95, 0.80, 0.97, "reached, uncertain", ""),
        (0.85, 0.80, 0.95, "not reached by 0.05, uncertain", "because"),
        (0.85, 0.80, 0.89, "not reached by 0.05", "because"),
    ],
)
def test_verdict_follows_the_figure_and_its_interval(value, low, high, verdict, reason):
    (row,) = goal_table(table(Measurement("a", value, low, high)), [GOAL])
    assert (row["verdict"], row["reason"], row["asked"]) == (verdict, reason, "at least 0.9")


def test_limit_itself_is_kept_on_both_sides():
    assert GOAL.kept_by(0.9)
    assert Goal("a", "", AT_MOST, 0.9).kept_by(0.9)


def test_figures_are_counted_with_and_without_their_interval():
    with_interval, without = table(Measurement("a", 0.95, 0.8, 1.0)), table(Measurement("a", 0.95))
    assert goal_figures(with_interval, [GOAL]) == goal_figures(without, [GOAL])


def test_goal_without_a_figure_has_no_row_and_is_not_counted():
    other = table(Measurement("b", 1.0))
    assert goal_table(other, [GOAL]) == []
    assert goal_figures(other, [GOAL]) == {
        "goals.measured": 0,
        "goals.reached": 0,
        "goals.not_assessable": 0,
    }


def test_goal_of_a_condition_reads_that_condition_and_that_defence_only():
    half, less = Condition("symmetric", 0.5), Condition("symmetric", 0.4)
    goal = Goal("kept", "", AT_LEAST, 0.9, condition=half, defence="policy")
    rows = [
        condition.measured("kept", value, defence=name)
        for condition, value, name in (
            (half, 0.95, "policy"),
            (half, 0.1, "knn"),
            (less, 0.2, "policy"),
        )
    ]
    assert goal.measured_in(table(*rows)).value == 0.95
    assert goal.measured_in(table(*rows[1:])) is None


def test_goal_whose_figure_has_no_bound_is_not_assessable_and_never_left_out():
    goal = Goal(
        "rate",
        "share given back",
        AT_LEAST,
        0.9,
        "because",
        measured_with="average_precision_recovered",
    )
    study = table(Measurement("average_precision_recovered", 0.01))
    (row,) = goal_table(study, [goal])
    assert row["verdict"] == "not assessable"
    assert goal_figures(study, [goal]) == {
        "goals.measured": 0,
        "goals.reached": 0,
        "goals.not_assessable": 1,
    }


@pytest.fixture(scope="module")
def full():
    """Figures of the full study."""
    study = read_study_table("results/poisoning")
    if not study.has("average_precision_recovered", attack="targeted_mode"):
        pytest.skip("results/poisoning holds the quick profile")
    return study


def test_reasons_of_misses_are_what_the_full_study_measured(full):
    """A reason is a sentence in the code; the figures that it relies on are looked up here."""
    floor = full.only("expected_cost_eur_floor_of_mean", **PLACEBO.columns).value
    clean = full.only("expected_cost_eur", **CLEAN.columns, defence="none").value
    for goal in GOALS:
        row = goal.measured_in(full)
        if row is None or goal.kept_by(row.value):
            continue
        if goal.metric == "cost_ratio":
            change = full.only(
                "expected_cost_eur_change", **goal.condition.columns, defence=goal.defence
            )
            assert change.value < floor, goal
            assert floor > 0.1 * clean
        elif goal.metric == "average_precision_gap":
            assert row.ci_low <= 0, goal
        else:
            assert goal.reason, goal


def test_every_goal_is_measured_by_the_full_study(full):
    counted = goal_figures(full)
    assert counted["goals.measured"] + counted["goals.not_assessable"] == len(GOALS)


def test_goals_count_the_full_study_as_its_metrics_do(full):
    metrics = read_metrics("results/poisoning")
    assert goal_figures(full) == {name: metrics[name] for name in goal_figures(full)}
