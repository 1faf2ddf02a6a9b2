"""Tables of studies on disk: metrics.parquet beside metrics.json."""

from pathlib import Path

import polars as pl

from fraud_core.errors import ResultError
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.tables import write_parquet

FILE = "metrics.parquet"


def write_study_table(results_dir: str | Path, table: StudyTable) -> None:
    """Write metrics.parquet, a row for each figure of a
    study, sorted and rounded: equal figures give equal bytes.

    Parameters
    ----------
    results_dir
        Folder, relative to the project.
    """
    write_parquet(table.to_write(), within_project(results_dir) / FILE)


def read_study_table(results_dir: str | Path) -> StudyTable:
    """The table of a study.

    Raises
    ------
    ResultError
        When the study has not been run, or leaves no table.
    """
    path = within_project(results_dir) / FILE
    if not path.is_file():
        raise ResultError(
            f"{results_dir}/{FILE}: no such file; run the study with `make run` or `make studies`"
        )
    return StudyTable(pl.read_parquet(path))
