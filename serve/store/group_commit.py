"""Grouped writes: one commit for all requests that wait,
so that a durable record costs a share of a disk flush.

One thread of each process owns the writes. While a commit is under way the next requests queue up;
the thread takes all of them at once. A request continues when its row is committed, never before.
Decisions are numbered in the order in which they appear: the last number is a row that a writer
holds until its commit, so that whoever has read up to a number has read all before it.
"""

import asyncio
import queue
import threading
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError as PoolTimeoutError,
)

from serve.store.tables import audit, decisions, is_sqlite, labels, sequences, writing

CAPACITY = 2_048
MOST_AT_ONCE = 512
WAIT_SECONDS = 5.0
# The column that identifies a row, and the columns by which a repeated request finds the row of the
# first.
KEYS = {
    decisions: ("decision_id", ("owner", "idempotency_key")),
    labels: ("label_id", ("owner", "event_id")),
    audit: ("audit_id", ()),
}
NEXT_NUMBERS = (
    update(sequences)
    .where(sequences.c.name == decisions.name)
    .values(last=sequences.c.last + bindparam("n"))
    .returning(sequences.c.last)
)
UNREACHABLE = (OperationalError, InterfaceError, PoolTimeoutError)


class StoreUnavailable(Exception):
    """The row could not be made durable now; whether it was written is unknown."""


@dataclass(frozen=True)
class ExistingRecord:
    """The row that a request with the same key left before."""

    record_id: str
    payload_sha256: str
    answer: str


@dataclass(frozen=True, eq=False)
class Entry:
    """A row that waits for its commit; without a
    table it only asks whether the store takes writes.
    """

    future: asyncio.Future
    table: Table | None = None
    row: dict[str, Any] = field(default_factory=dict)


class GroupWriter:
    """Writes rows of one process, many to a commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = sqlite.insert if is_sqlite(engine) else postgresql.insert
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._statements: dict[Table, Any] = {
            table: self._insert(table).on_conflict_do_nothing().returning(table.c[KEYS[table][0]])
            for table in KEYS
        }
        self._thread.start()

    async def write(self, table: Table, row: dict[str, Any]) -> ExistingRecord | None:
        """Add a row and wait until it is durable; the existing
        row where its key was used before, which then stands.

        Raises
        ------
        StoreUnavailable
            When the queue is full, the store refuses, or no commit came within five seconds.
        """
        return await self._wait(Entry(self._loop.create_future(), table, row))

    async def check(self) -> None:
        """Return when the store took a transaction that may write.

        Raises
        ------
        StoreUnavailable
            As for `write`.
        """
        await self._wait(Entry(self._loop.create_future()))

    async def _wait(self, entry: Entry) -> ExistingRecord | None:
        if self._queue.qsize() >= CAPACITY or not self._thread.is_alive():
            raise StoreUnavailable
        self._queue.put(entry)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await entry.future
        except TimeoutError as error:
            raise StoreUnavailable from error

    def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._queue.put(None)
        self._thread.join(timeout=2 * WAIT_SECONDS)

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < MOST_AT_ONCE and batch[-1] is not None and not self._queue.empty():
                batch.append(self._queue.get())
            entries = [entry for entry in batch if entry is not None]
            if entries:
                outcomes = self._commit(entries)
                self._loop.call_soon_threadsafe(_settle, entries, outcomes)
            if batch[-1] is None:
                return

    def _commit(self, entries: list[Entry]) -> list[ExistingRecord | StoreUnavailable | None]:
        try:
            with writing(self._engine) as connection:
                outcomes = {}
                for table in KEYS:
                    outcomes |= self._add(
                        connection, table, [entry for entry in entries if entry.table is table]
                    )
            return [outcomes.get(entry) for entry in entries]
        except UNREACHABLE:
            return [StoreUnavailable() for _ in entries]
        except SQLAlchemyError:
            # A row that the database refuses must not take the others with it.
            if len(entries) == 1:
                return [StoreUnavailable()]
            return [self._commit([entry])[0] for entry in entries]

    def _add(
        self, connection: Connection, table: Table, entries: list[Entry]
    ) -> dict[Entry, ExistingRecord | StoreUnavailable]:
        """Insert rows; what was there before for those whose key was used."""
        if not entries:
            return {}
        name, unique = KEYS[table]
        # In the order of the keys, so that two processes never wait for each other's rows
        # crosswise.
        entries = sorted(entries, key=lambda entry: [str(entry.row[column]) for column in unique])
        rows = [entry.row for entry in entries]
        if table is decisions:
            rows = _numbered(connection, rows)
        inserted = set(connection.execute(self._statements[table], rows).scalars())
        repeated = {
            entry: tuple(entry.row[c] for c in unique)
            for entry in entries
            if entry.row[name] not in inserted
        }
        if not repeated:
            return {}
        columns = [table.c[c] for c in unique]
        query = select(*columns, table.c[name], table.c.payload_sha256, table.c.answer)
        found = connection.execute(query.where(tuple_(*columns).in_(set(repeated.values()))))
        existing = {tuple(row[: len(unique)]): ExistingRecord(*row[len(unique) :]) for row in found}
        return {entry: existing.get(key) or StoreUnavailable() for entry, key in repeated.items()}


def _numbered(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decisions with the next numbers; no other process numbers any until the commit."""
    last = connection.execute(NEXT_NUMBERS, {"n": len(rows)}).scalar_one()
    return [
        row | {"sequence": last - k} for k, row in zip(range(len(rows))[::-1], rows, strict=True)
    ]


def _settle(entries: list[Entry], outcomes: list[ExistingRecord | StoreUnavailable | None]) -> None:
    for entry, outcome in zip(entries, outcomes, strict=True):
        if entry.future.done():
            continue
        if isinstance(outcome, StoreUnavailable):
            entry.future.set_exception(outcome)
        else:
            entry.future.set_result(outcome)
