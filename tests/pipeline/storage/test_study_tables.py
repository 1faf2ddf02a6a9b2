import pytest

from fraud_core.errors import ResultError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.pipeline.storage.study_tables import FILE, read_study_table, write_study_table

ROWS = [
    Measurement.of("recall", Estimate(0.5, 0.4, 0.6), defence="knn"),
    Measurement.of("recall", 0.7, defence="none"),
]


def table(rows):
    return StudyTable.from_measurements(rows, table="toy", study="poisoning")


def test_table_comes_back_and_the_order_of_its_rows_changes_no_byte(project):
    write_study_table("results/one", table(ROWS))
    write_study_table("results/two", table(ROWS[::-1]))
    one, two = (project / "results" / name / FILE for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    found = read_study_table("results/one")
    assert found.only("recall", defence="knn").interval == Estimate(0.5, 0.4, 0.6)
    assert found.only("recall", defence="none").value == 0.7


def test_study_that_was_not_run_is_named(project):
    with pytest.raises(ResultError, match=r"results/drift/metrics\.parquet: no such file"):
        read_study_table("results/drift")
