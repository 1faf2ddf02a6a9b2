"""``python -m serve.features.ingest``: decisions and
labels join the history of their customer and terminal.

One process reads the store of decisions and labels in the order in which they were recorded and
pushes whole histories to the feature store. The decisions are durable before it sees them, and
every step may be done again, so that neither a stop nor a feature store that is down loses any
event.
There is one such process: two would overwrite each other's histories.
"""

# `make features` adds Redis to the environment:
# pyright: reportMissingImports=false
import argparse
import signal
import sqlite3
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Column, Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from fraud_core.errors import FraudCoreError, ParameterError
from fraud_core.features.history import Event
from fraud_core.features.store_rows import MONDAY
from serve.features.entities import NamedEntities, monday_seconds
from serve.features.take_over import FeatureStore, Report, take_over
from serve.settings import Settings, read_settings
from serve.store.tables import decisions, labels, now_us, open_engine

AT_ONCE = 500
PAUSE_SECONDS = 0.2
RETRY_SECONDS = 2.0
# Rows of several processes may be committed a little out of their order; so far back is looked
# again.
OVERLAP_US = 10_000_000
CURSOR = "follow.json"
CONSUMER_LAG = "fraud.follower.behind_seconds"


class _Request(msgspec.Struct, frozen=True):
    transaction_id: str
    occurred_at: datetime
    entities: NamedEntities | None = None


class Tail:
    """The rows of a table that only grows, each once,
    in about the order in which they were recorded.

    Parameters
    ----------
    key
        Column of identities that sort by time (`serve.store.tables.new_id`).
    columns
        What is wanted of each row beside its identity.
    since_us
        Rows recorded before it, less a little, are known; microseconds since 1970.
    """

    def __init__(self, key: Column, columns: Sequence[Column], since_us: int) -> None:
        self._key, self._columns, self.since_us = key, columns, since_us
        self._seen: OrderedDict[str, None] = OrderedDict()

    def read(self, connection: Connection) -> list[tuple]:
        """Some rows that were not taken over yet."""
        known = (
            select(self._key)
            .where(self._key >= f"{max(0, self.since_us - OVERLAP_US):014x}")
            .order_by(self._key)
        )
        limit = AT_ONCE + len(self._seen)
        keys = connection.execute(known.limit(limit)).scalars()
        new = [key for key in keys if key not in self._seen][:AT_ONCE]
        if not new:
            return []
        rows = select(self._key, *self._columns).where(self._key.in_(new)).order_by(self._key)
        return [tuple(row) for row in connection.execute(rows)]

    def taken_over(self, rows: Sequence[tuple]) -> None:
        """Remember that rows were taken over."""
        for row in rows:
            self._seen[row[0]] = None
            self.since_us = max(self.since_us, int(row[0][:14], 16))
        oldest = f"{max(0, self.since_us - OVERLAP_US):014x}"
        while self._seen and next(iter(self._seen)) < oldest:
            self._seen.popitem(last=False)


decode_request = msgspec.json.Decoder(_Request).decode


@dataclass
class IngestionWorker:
    """Takes over events into a feature store.

    Parameters
    ----------
    engine
        Of decisions and labels.
    store
        Such as `serve.features.feast_store.FeastHistories`.
    folder
        Where the cursor stands.
    clock
        Microseconds since 1970.
    """

    engine: Engine
    store: FeatureStore
    folder: Path
    clock: Callable[[], int] = now_us
    refused: int = 0

    def __post_init__(self) -> None:
        path = self.folder / CURSOR
        since = (
            msgspec.json.decode(path.read_bytes(), type=dict[str, int]) if path.is_file() else {}
        )
        self._decision_tail = Tail(
            decisions.c.decision_id, [decisions.c.request], since.get("decisions_us", 0)
        )
        about = [labels.c.transaction_id, labels.c.state, labels.c.occurred_at_us]
        self._label_tail = Tail(labels.c.label_id, about, since.get("labels_us", 0))
        self._known_until_us = self.clock()

    def consumer_lag_seconds(self) -> float:
        """Age of the oldest moment after which something
        may have been recorded that was not taken over.
        """
        return (self.clock() - self._known_until_us) / 1e6

    def step(self) -> int:
        """Take over what was recorded since the last step,
        a thousand rows at most; returns their number.
        """
        begun_us = self.clock()
        with self.engine.connect() as connection:
            decided, reported = (
                self._decision_tail.read(connection),
                self._label_tail.read(connection),
            )
            reports = [
                found_report
                for row in reported
                if (found_report := _report(connection, *row[1:])) is not None
            ]
        events = [event for _, text in decided if (event := event_of(text)) is not None]
        self.refused += take_over(self.store, events, reports)
        self._decision_tail.taken_over(decided)
        self._label_tail.taken_over(reported)
        if decided or reported:
            self._write_cursor()
        # a table that gave as many rows as it may gives more at the next step
        unread = [
            tail.since_us
            for tail, rows in ((self._decision_tail, decided), (self._label_tail, reported))
            if len(rows) == AT_ONCE
        ]
        self._known_until_us = min([begun_us, *unread])
        return len(decided) + len(reported)

    def _write_cursor(self) -> None:
        partial = (self.folder / CURSOR).with_suffix(".partial")
        partial.write_bytes(
            msgspec.json.encode(
                {
                    "decisions_us": self._decision_tail.since_us,
                    "labels_us": self._label_tail.since_us,
                }
            )
        )
        partial.replace(self.folder / CURSOR)


def _report(
    connection: Connection, transaction_id: str, state: str, occurred_at_us: int
) -> Report | None:
    """A label with the payment that it is about; None for
    a payment that was never decided on by its entities.
    """
    query = select(decisions.c.request).where(decisions.c.transaction_id == transaction_id)
    texts = connection.execute(query.order_by(decisions.c.decision_id)).scalars()
    event = next((event for text in texts if (event := event_of(text)) is not None), None)
    if event is None:
        return None
    return Report(event, occurred_at_us // 1_000_000 - MONDAY if state == "fraud" else None)


def event_of(request: str) -> Event | None:
    """The payment of a recorded request, or None when it named no entities."""
    read = decode_request(request)
    if read.entities is None:
        return None
    named, at = read.entities, monday_seconds(read.occurred_at)
    return Event(read.transaction_id, at, named.customer_id, named.terminal_id, named.amount_eur)


def main(arguments: list[str] | None = None) -> int:
    """Take over what is recorded until told to stop; returns the exit code."""
    from redis.exceptions import RedisError

    parser = argparse.ArgumentParser(
        prog="python -m serve.features.ingest",
        description="Decisions and labels join the history of their customer and terminal.",
    )
    parser.add_argument("--once", action="store_true", help="take over what is there, and end")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = read_settings()
        worker = open_worker(settings)
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    end_export = _export(worker) if settings.otlp_endpoint else lambda: None
    print("following decisions and labels", flush=True)
    while not stop.is_set():
        try:
            taken = worker.step()
        except (SQLAlchemyError, sqlite3.Error, RedisError, OSError) as error:
            print(f"warning: {type(error).__name__}; trying again", file=sys.stderr, flush=True)
            stop.wait(RETRY_SECONDS)
            continue
        if not taken:
            if options.once:
                break
            stop.wait(PAUSE_SECONDS)
    end_export()
    return 0


def _export(worker: IngestionWorker) -> Callable[[], None]:
    """Send the consumer lag by OTLP; returns what ends that."""
    from serve.telemetry.otlp import export_figures

    return export_figures("fraud-follow", lambda: {CONSUMER_LAG: worker.consumer_lag_seconds()})


def open_worker(settings: Settings) -> IngestionWorker:
    """The ingestion worker that the settings describe.

    Raises
    ------
    ParameterError
        When no feature store is configured or it cannot be used.
    """
    from serve.features.feast_store import FeastHistories

    if settings.feature_store is None:
        raise ParameterError(
            "FRAUD_FEATURE_STORE: expected Feast's configuration; there is no history to follow "
            "without"
        )
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    return IngestionWorker(
        open_engine(settings.store_url), FeastHistories(settings.feature_store), settings.state_dir
    )


if __name__ == "__main__":
    raise SystemExit(main())
