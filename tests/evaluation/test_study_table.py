"""The table of a study: chosen by columns, one clear error, the same bytes for the same figures."""

import polars as pl
import pytest

from fraud_core.errors import ResultError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import SCHEMA, Measurement, StudyTable
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.pipeline.storage.study_tables import read_study_table, write_study_table

ROWS = [
    Measurement.of(
        "recall",
        Estimate(1 / 3, 0.1, 0.6),
        attack="symmetric",
        poison_rate=0.4,
        defence="none",
        verdict=Verdict.FAIL,
    ),
    Measurement("recall", 0.3, attack="symmetric", poison_rate=0.4, defence="none", seed=1),
    Measurement("recall", 0.9, attack="clean", defence="none"),
    Measurement("recall", 0.8, attack="clean", defence="knn"),
    Measurement("n_pairs", 12),
]


def table(rows=ROWS):
    return StudyTable.from_measurements(rows, table="toy", study="poisoning")


def test_every_column_is_there_and_says_nothing_where_there_is_nothing_to_say():
    assert table().frame.schema == pl.Schema(SCHEMA)
    assert table().frame.row(4) == (
        "toy",
        "poisoning",
        None,
        None,
        None,
        None,
        None,
        None,
        "n_pairs",
        12.0,
        None,
        None,
        None,
    )


def test_one_figure_is_chosen_by_its_columns():
    chosen = table().only("recall", attack="symmetric", poison_rate=0.4)
    assert (chosen.interval, chosen.verdict) == (Estimate(1 / 3, 0.1, 0.6), Verdict.FAIL)
    assert table().only("recall", attack="symmetric", seed=1).value == 0.3
    assert table().only("recall", poison_rate=None, defence="knn").value == 0.8


def test_figure_without_an_interval_is_a_number():
    assert table().only("n_pairs").estimate == 12.0
    assert table().only("n_pairs").interval == Estimate(12.0, 12.0, 12.0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"attack": "clean"}, "metric recall: expected one value, got 2; name another column"),
        (
            {"attack": "clean", "defence": "prayer"},
            "defence prayer, metric recall: expected one value, got none",
        ),
        (
            {"attack": "symmetric", "poison_rate": 0.5},
            "attack symmetric, poison_rate 0.5, metric recall",
        ),
    ],
)
def test_no_figure_and_several_are_one_clear_error(columns, message):
    with pytest.raises(ResultError, match=message):
        table().only("recall", **columns)


def test_two_figures_of_the_same_columns_are_refused():
    with pytest.raises(ResultError, match="metric n_pairs: expected one value, got several"):
        table([*ROWS, Measurement("n_pairs", 13)])


def test_figure_that_is_not_finite_is_refused():
    with pytest.raises(ResultError, match="metric gap: expected finite values"):
        table([Measurement("gap", float("inf"))])


def test_round_trip_through_the_file_has_the_same_bytes_in_any_order(project):
    write_study_table("one", table())
    write_study_table("other", table(ROWS[::-1]))
    assert (project / "one/metrics.parquet").read_bytes() == (
        project / "other/metrics.parquet"
    ).read_bytes()
    back = read_study_table("one")
    assert len(back) == len(ROWS)
    assert back.only("recall", poison_rate=0.4).value == 0.333333
    assert back.only("recall", poison_rate=0.4).verdict is Verdict.FAIL


def test_missing_file_says_how_to_make_it(project):
    with pytest.raises(ResultError, match="make studies"):
        read_study_table("results/poisoning")
