"""The tail of the tables, and what of a recorded request becomes an event."""

import json

import pytest
from sqlalchemy import insert

from serve.features import ingest
from serve.features.ingest import OVERLAP_US, Tail, event_of
from serve.store.prepare import prepare_tables
from serve.store.tables import decisions, open_engine, writing
from tests.serve.store.conftest import decision_row

START_US = 10 * OVERLAP_US


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    assert prepare_tables(engine)
    yield engine
    engine.dispose()


def record(engine, *at_us):
    """Decisions recorded at some moments."""
    rows = [decision_row() | {"decision_id": f"{at:014x}" + "0" * 18} for at in at_us]
    with writing(engine) as connection:
        connection.execute(insert(decisions), rows)


def read(engine, tail):
    with engine.connect() as connection:
        rows = tail.read(connection)
    tail.taken_over(rows)
    return [int(row[0][:14], 16) for row in rows]


def tail(since_us=0):
    return Tail(decisions.c.decision_id, [decisions.c.request], since_us)


def test_each_row_is_read_once_also_one_that_was_committed_late(engine):
    reader = tail()
    record(engine, START_US, START_US + 5)
    assert read(engine, reader) == [START_US, START_US + 5]
    assert read(engine, reader) == []
    record(engine, START_US + 2, START_US + 9)
    assert read(engine, reader) == [START_US + 2, START_US + 9]
    assert reader.since_us == START_US + 9


def test_reader_that_starts_again_looks_back_a_little_and_no_further(engine):
    record(engine, START_US - OVERLAP_US - 1, START_US - OVERLAP_US, START_US)
    assert read(engine, tail(START_US)) == [START_US - OVERLAP_US, START_US]


def test_many_rows_come_in_parts_of_a_bounded_size(engine, monkeypatch):
    monkeypatch.setattr(ingest, "AT_ONCE", 2)
    record(engine, *range(START_US, START_US + 5))
    reader = tail()
    parts = [read(engine, reader) for _ in range(4)]
    assert [len(part) for part in parts] == [2, 2, 1, 0]
    assert [time for part in parts for time in part] == list(range(START_US, START_US + 5))


def test_request_on_entities_is_an_event_and_one_on_features_is_none():
    request = {"transaction_id": "t-1", "occurred_at": "1970-01-05T00:01:00Z"}
    named = {"customer_id": "c", "terminal_id": "m", "amount_eur": 12.5}
    event = event_of(json.dumps(request | {"entities": named}))
    assert (event.transaction_id, event.customer_id, event.terminal_id) == ("t-1", "c", "m")
    assert (event.time, event.amount_eur) == (60, 12.5)
    assert event_of(json.dumps(request | {"features": {"V1": 1.0}})) is None
