"""The table of criteria says what was missed, and says when an interval leaves it open."""

import pytest

from fraud_core.errors import ParameterError
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.pipeline.reporting.results import read_metrics
from fraud_core.pipeline.storage.acceptance_criteria import read_criteria
from fraud_core.pipeline.storage.study_tables import read_study_table
from fraud_core.poisoning.study.acceptance import (
    AcceptanceCriterion,
    acceptance_figures,
    acceptance_table,
    decode_criteria,
)
from fraud_core.poisoning.study.condition_rows import measured
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition


def criterion(metric, bound, limit, **rest):
    return AcceptanceCriterion(
        metric=metric, words="what it means", bound=bound, limit=limit, **rest
    )


ASKED = criterion("a", "at least", 0.9, reason="because")


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
    (row,) = acceptance_table(table(Measurement("a", value, low, high)), [ASKED])
    assert (row["verdict"], row["reason"], row["asked"]) == (verdict, reason, "at least 0.9")


def test_limit_itself_is_kept_on_both_sides():
    assert ASKED.kept_by(0.9)
    assert criterion("a", "at most", 0.9).kept_by(0.9)


def test_figures_are_counted_with_and_without_their_interval():
    with_interval, without = table(Measurement("a", 0.95, 0.8, 1.0)), table(Measurement("a", 0.95))
    assert acceptance_figures(with_interval, [ASKED]) == acceptance_figures(without, [ASKED])


def test_criterion_without_a_figure_has_no_row_and_is_not_counted():
    other = table(Measurement("b", 1.0))
    assert acceptance_table(other, [ASKED]) == []
    assert acceptance_figures(other, [ASKED]) == {
        "acceptance.measured": 0,
        "acceptance.reached": 0,
        "acceptance.not_assessable": 0,
    }


def test_criterion_of_a_condition_reads_that_condition_and_that_defence_only():
    half, less = Condition("symmetric", 0.5), Condition("symmetric", 0.4)
    asked = criterion("kept", "at least", 0.9, **half.columns, defence="policy")
    rows = [
        measured(condition, "kept", value, defence=name)
        for condition, value, name in (
            (half, 0.95, "policy"),
            (half, 0.1, "knn"),
            (less, 0.2, "policy"),
        )
    ]
    assert asked.measured_in(table(*rows)).value == 0.95
    assert asked.measured_in(table(*rows[1:])) is None


def test_criterion_whose_figure_has_no_bound_is_not_assessable_and_never_left_out():
    asked = criterion(
        "rate", "at least", 0.9, reason="because", measured_with="average_precision_recovered"
    )
    study = table(Measurement("average_precision_recovered", 0.01))
    (row,) = acceptance_table(study, [asked])
    assert row["verdict"] == "not assessable"
    assert acceptance_figures(study, [asked]) == {
        "acceptance.measured": 0,
        "acceptance.reached": 0,
        "acceptance.not_assessable": 1,
    }


@pytest.fixture(scope="module")
def full():
    """Figures of the full study."""
    study = read_study_table("results/poisoning")
    if not study.has("average_precision_recovered", attack="subpopulation"):
        pytest.skip("results/poisoning holds the quick profile")
    return study


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"[{metric: a, words: b, bound: above, limit: 1}]", r"t.yaml.*bound"),
        (b"[{metric: a, words: b, bound: at most}]", r"t.yaml.*limit"),
        (b"[{metric: a, words: b, bound: at most, limit: 1, why: c}]", r"t.yaml.*why"),
        (b"metric: a", r"t.yaml: expected a list of criteria"),
        (b"[", r"t.yaml"),
    ],
)
def test_malformed_criteria_are_refused_by_name(text, expected):
    with pytest.raises(ParameterError, match=expected):
        decode_criteria(text, name="t.yaml")


def test_reasons_of_misses_are_what_the_full_study_measured(full):
    """A reason is a sentence in the criteria; the figures it relies on are looked up here."""
    band = full.only("expected_cost_eur_null_band_of_mean", **NULL_RUN.columns).value
    clean = full.only("expected_cost_eur", **CLEAN.columns, defence="none").value
    for asked in read_criteria("ulb"):
        row = asked.measured_in(full)
        if row is None or asked.kept_by(row.value):
            continue
        if asked.metric == "cost_ratio":
            condition = Condition(asked.attack, asked.poison_rate)
            change = full.only(
                "expected_cost_eur_change", **condition.columns, defence=asked.defence
            )
            assert change.value < band, asked
            assert band > 0.1 * clean
        elif asked.metric == "average_precision_gap":
            assert row.ci_low <= 0, asked
        else:
            assert asked.reason, asked


def test_every_criterion_is_measured_by_the_full_study(full):
    criteria = read_criteria("ulb")
    counted = acceptance_figures(full, criteria)
    asked = counted["acceptance.measured"] + counted["acceptance.not_assessable"]
    assert asked == len(criteria) > 20


def test_criteria_count_the_full_study_as_its_metrics_do(full):
    metrics = read_metrics("results/poisoning")
    counted = acceptance_figures(full, read_criteria("ulb"))
    assert counted == {name: metrics[name] for name in counted}
