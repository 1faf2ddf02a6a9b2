"""The table of goals says what was missed, and says when an interval leaves it open."""

import pytest

from fraud_core.evaluation.bootstrap import Interval
from fraud_core.poisoning.study.acceptance import AT_LEAST, AT_MOST, GOALS, Goal, goal_figures, goal_table

GOAL = Goal("a", "what it means", AT_LEAST, 0.9, "because")


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
    (row,) = goal_table({"a": value, "a_lo": low, "a_hi": high}, [GOAL])
    assert (row["verdict"], row["reason"], row["asked"]) == (verdict, reason, "at least 0.9")


def test_limit_itself_is_kept_on_both_sides():
    assert GOAL.kept_by(0.9)
    assert Goal("a", "", AT_MOST, 0.9).kept_by(0.9)


def test_figures_are_counted_with_and_without_their_interval():
    assert goal_figures({"a": Interval(0.95, 0.8, 1.0)}, [GOAL]) == goal_figures({"a": 0.95}, [GOAL])


def test_goal_without_a_figure_has_no_row_and_is_not_counted():
    assert goal_table({"b": 1.0}, [GOAL]) == []
    assert goal_figures({"b": 1.0}, [GOAL]) == {"goals.measured": 0, "goals.reached": 0, "goals.not_assessable": 0}


def test_goal_whose_figure_has_no_bound_is_not_assessable_and_never_left_out():
    goal = Goal("rate", "share given back", AT_LEAST, 0.9, "because", "given_back")
    (row,) = goal_table({"given_back": 0.01}, [goal])
    assert row["verdict"] == "not assessable"
    assert goal_figures({"given_back": 0.01}, [goal]) == {
        "goals.measured": 0, "goals.reached": 0, "goals.not_assessable": 1,
    }  # fmt: skip


@pytest.fixture(scope="module")
def metrics():
    """Figures of the full study."""
    from fraud_core.pipeline.reporting.results import read_metrics

    found = read_metrics("results/poisoning")
    if "summary.targeted_mode_50.given_back" not in found:
        pytest.skip("results/poisoning holds the quick profile")
    return found


def test_reasons_of_misses_are_what_the_full_study_measured(metrics):
    """A reason is a sentence in the code; the figures that it relies on are looked up here."""
    floor, clean = metrics["placebo.expected_cost_eur_floor_of_mean"], metrics["clean.none.expected_cost_eur"]
    for goal in GOALS:
        group, _, figure = goal.figure.removeprefix("summary.").rpartition(".")
        attack, _, budget = group.rpartition("_")
        if goal.figure not in metrics or goal.kept_by(metrics[goal.figure]):
            continue
        if figure == "cost_ratio":
            assert metrics[f"{attack}.{budget}.policy.expected_cost_eur_change"] < floor, goal.figure
            assert floor > 0.1 * clean
        elif figure == "average_precision_gap":
            assert metrics[f"{goal.figure}_lo"] <= 0, goal.figure
        else:
            assert goal.reason, goal.figure


def test_every_goal_is_measured_by_the_full_study(metrics):
    assert [g.figure for g in GOALS if g.figure not in metrics and g.measured_with not in metrics] == []
    counted = goal_figures(metrics)
    assert counted["goals.measured"] + counted["goals.not_assessable"] == len(GOALS)
