"""``python -m serve.store.archive FOLDER --days N``: old
decisions and labels go to parquet, and then out of the store.

One file for each table and UTC day, ``decisions/2026-01-31.parquet``. Rows are deleted only after
the file of their day was written, synced and read back with the same identifiers. A run that was
stopped is simply started again. The audit trail is never deleted. With a decision goes its
idempotency key: the same request would then be decided again.
"""

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Column, Engine, Table, delete, select

from fraud_core.errors import ParameterError
from serve.store.command import run_on_store
from serve.store.tables import HEAD, current_revision, decisions, labels, writing

ARCHIVED: dict[str, tuple[Table, Column, Column]] = {
    "decisions": (decisions, decisions.c.decision_id, decisions.c.decided_at_us),
    "labels": (labels, labels.c.label_id, labels.c.recorded_at_us),
}
DELETED_AT_ONCE = (
    5_000  # rows of one transaction, so that the service never waits long for its turn
)
DAY_US = 86_400_000_000


def archive_days(
    engine: Engine, folder: Path, *, before: date, remove: bool
) -> Iterator[tuple[str, date, int]]:
    """Export every day before a date, and delete its rows
    when asked; yields table, day and number of rows.

    Parameters
    ----------
    folder
        Where the files go; made when it is missing.
    before
        The first day, UTC, that stays.
    remove
        Delete the rows of a day after its file was verified.

    Raises
    ------
    ParameterError
        When a file of a day is there and holds other rows than the store.
    """
    for name, (table, identifier, at_us) in ARCHIVED.items():
        for day in _days(engine, at_us, before):
            rows = _rows_of(engine, table, identifier, at_us, day)
            _export(rows, identifier.name, folder / name / f"{day}.parquet")
            if remove:
                _delete(engine, table, identifier, [row[identifier.name] for row in rows])
            yield name, day, len(rows)


def _days(engine: Engine, at_us: Column, before: date) -> list[date]:
    """The days, UTC, that hold rows."""
    number = (at_us // DAY_US).label("number")
    with engine.connect() as connection:
        numbers = connection.execute(
            select(number).where(at_us < _start_us(before)).distinct().order_by(number)
        ).scalars()
        return [date(1970, 1, 1) + timedelta(days=int(one)) for one in numbers]


def _rows_of(
    engine: Engine, table: Table, identifier: Column, at_us: Column, day: date
) -> list[dict]:
    """The rows of one day by identifier."""
    inside = (at_us >= _start_us(day)) & (at_us < _start_us(day + timedelta(days=1)))
    with engine.connect() as connection:
        return [
            dict(row)
            for row in connection.execute(
                select(table).where(inside).order_by(identifier)
            ).mappings()
        ]


def _export(rows: list[dict], identifier: str, path: Path) -> None:
    """Write the rows as parquet, or check that the file
    holds them already; the file appears whole or not at all.
    """
    import polars as pl  # here alone: the environment that serves has none

    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    archived = pl.read_parquet(path, columns=[identifier])[identifier].to_list()
    if archived != [row[identifier] for row in rows]:
        raise ParameterError(
            f"{path}: expected the {len(rows)} rows that the store holds of this day, found "
            f"{len(archived)} others; "
            "nothing of the day was deleted; move the file away and run again"
        )


def _delete(engine: Engine, table: Table, identifier: Column, identities: list[str]) -> None:
    for start in range(0, len(identities), DELETED_AT_ONCE):
        with writing(engine) as connection:
            connection.execute(
                delete(table).where(identifier.in_(identities[start : start + DELETED_AT_ONCE]))
            )


def _start_us(day: date) -> int:
    """Microseconds since 1970 at the start of a day, UTC."""
    return (day - date(1970, 1, 1)).days * DAY_US


def _run(engine: Engine, options: argparse.Namespace) -> None:
    if options.days < 0:
        raise ParameterError(f"--days: expected 0 or more, got {options.days}")
    if current_revision(engine) != HEAD:
        raise ParameterError(
            "FRAUD_STORE_URL: expected a store of this version; run `python -m serve.store.migrate`"
        )
    before = datetime.now(UTC).date() - timedelta(days=options.days)
    done = "exported and deleted" if options.delete else "exported"
    for name, day, n_rows in archive_days(
        engine, options.folder, before=before, remove=options.delete
    ):
        print(f"{name} {day}: {n_rows:,} {done}", flush=True)


def main() -> int:
    """Export, and with ``--delete`` forget; what is wrong is one clear line."""
    parser = argparse.ArgumentParser(
        prog="python -m serve.store.archive", description="old decisions and labels to parquet"
    )
    parser.add_argument(
        "folder", type=Path, help="where decisions/DAY.parquet and labels/DAY.parquet go"
    )
    parser.add_argument(
        "--days",
        type=int,
        required=True,
        help="whole days, UTC, that stay in the store beside today",
    )
    parser.add_argument(
        "--delete", action="store_true", help="delete what was exported and read back"
    )
    options = parser.parse_args()
    return run_on_store(lambda engine: _run(engine, options))


if __name__ == "__main__":
    raise SystemExit(main())
