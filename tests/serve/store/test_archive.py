"""Retention: what leaves the store is in a file first,
days that stay are untouched, a stopped run is run again.
"""

from datetime import date

import polars as pl
import pytest
from sqlalchemy import func, insert, select

from fraud_core.errors import ParameterError
from serve.store import archive
from serve.store.archive import DAY_US, main
from serve.store.tables import decisions, writing
from tests.serve.store.conftest import decision_row

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)


def at_us(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_US


@pytest.fixture
def filled(engine):
    """Two decisions on each of three days: at its first and its last microsecond."""
    times = [at_us(day) + offset for day in (FIRST, SECOND, THIRD) for offset in (0, DAY_US - 1)]
    rows = [
        decision_row() | {"decided_at_us": time, "decision_id": f"{time:032x}"} for time in times
    ]
    with writing(engine) as connection:
        connection.execute(insert(decisions), rows)
    return engine


def stored_days(engine):
    with engine.connect() as connection:
        return list(
            connection.execute(
                select(decisions.c.decided_at_us // DAY_US).order_by(decisions.c.decided_at_us)
            ).scalars()
        )


def test_days_before_the_date_leave_the_store_and_are_whole_in_the_files(filled, tmp_path):
    done = list(archive.archive_days(filled, tmp_path, before=THIRD, remove=True))
    assert done == [("decisions", FIRST, 2), ("decisions", SECOND, 2)]
    assert stored_days(filled) == [at_us(THIRD) // DAY_US] * 2
    table = pl.read_parquet(tmp_path / "decisions" / f"{FIRST}.parquet")
    assert table.columns == [column.name for column in decisions.c]
    assert table["decided_at_us"].to_list() == [at_us(FIRST), at_us(SECOND) - 1]


def test_export_alone_deletes_nothing_and_can_be_repeated(filled, tmp_path):
    for _ in range(2):
        assert len(list(archive.archive_days(filled, tmp_path, before=THIRD, remove=False))) == 2
    assert len(stored_days(filled)) == 6
    assert len(list(archive.archive_days(filled, tmp_path, before=THIRD, remove=True))) == 2
    assert len(stored_days(filled)) == 2
    assert list(archive.archive_days(filled, tmp_path, before=THIRD, remove=True)) == []


def test_file_with_other_rows_stops_the_run_before_anything_is_deleted(filled, tmp_path):
    path = tmp_path / "decisions" / f"{FIRST}.parquet"
    path.parent.mkdir()
    pl.DataFrame({"decision_id": ["another"]}).write_parquet(path)
    with pytest.raises(ParameterError, match="nothing of the day was deleted"):
        list(archive.archive_days(filled, tmp_path, before=THIRD, remove=True))
    assert len(stored_days(filled)) == 6
    assert pl.read_parquet(path)["decision_id"].to_list() == ["another"]


def test_deletion_in_steps_reaches_every_row(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "DELETED_AT_ONCE", 1)
    list(archive.archive_days(filled, tmp_path, before=THIRD, remove=True))
    assert len(stored_days(filled)) == 2


def test_command_leaves_the_days_that_are_named_in_the_store(filled, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    monkeypatch.setenv("FRAUD_STORE_URL", filled.url.render_as_string(hide_password=False))
    monkeypatch.setattr("sys.argv", ["archive", str(tmp_path / "old"), "--days", "1", "--delete"])
    assert main() == 0
    assert f"decisions {FIRST}: 2 exported and deleted" in capsys.readouterr().out
    with filled.connect() as connection:
        assert connection.execute(select(func.count()).select_from(decisions)).scalar() == 0


def test_negative_days_and_a_store_without_tables_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    monkeypatch.setenv("FRAUD_STORE_URL", f"sqlite:///{tmp_path}/empty.db")
    for days, words in (
        ("-1", "--days: expected 0 or more"),
        ("1", "python -m serve.store.migrate"),
    ):
        monkeypatch.setattr("sys.argv", ["archive", str(tmp_path), f"--days={days}"])
        assert main() == 1
        assert words in capsys.readouterr().err
