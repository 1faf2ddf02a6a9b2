"""Grouped writes: one row for one key, and nothing acknowledged that a kill can lose."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import InternalError

from serve.store.group_commit import ExistingRecord, GroupWriter, StoreUnavailable, _numbered
from serve.store.prepare import prepare_tables
from serve.store.tables import IDLE_MS, decisions, is_sqlite, open_engine, writing
from tests.conftest import ROOT
from tests.serve.store.conftest import decision_row


def with_writer(engine, use):
    async def run():
        writer = GroupWriter(engine)
        try:
            return await use(writer)
        finally:
            await asyncio.to_thread(writer.close)

    return asyncio.run(run())


def count(engine):
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(decisions)).scalar()


def test_waiting_rows_are_all_written(engine):
    async def use(writer):
        return await asyncio.gather(*[writer.write(decisions, decision_row()) for _ in range(300)])

    assert with_writer(engine, use) == [None] * 300
    assert count(engine) == 300


def test_one_key_gives_one_row_also_concurrently(engine):
    async def use(writer):
        rows = [decision_row("k", str(k) * 64) for k in range(8)]
        return await asyncio.gather(*[writer.write(decisions, row) for row in rows])

    outcomes = with_writer(engine, use)
    assert count(engine) == 1
    assert outcomes.count(None) == 1
    winner = str(outcomes.index(None))
    assert {o.answer for o in outcomes if isinstance(o, ExistingRecord)} == {winner}


def test_one_key_gives_one_row_after_a_restart(engine):
    first, second = decision_row("k", "a" * 64), decision_row("k", "b" * 64)
    assert with_writer(engine, lambda writer: writer.write(decisions, first)) is None
    existing = with_writer(engine, lambda writer: writer.write(decisions, second))
    assert (existing.record_id, existing.payload_sha256) == (first["decision_id"], "a" * 64)


def test_row_that_is_refused_does_not_take_the_others_with_it(engine):
    async def use(writer):
        rows = [decision_row(), decision_row() | {"decision": None}, decision_row()]
        return await asyncio.gather(
            *[writer.write(decisions, row) for row in rows], return_exceptions=True
        )

    outcomes = with_writer(engine, use)
    assert [type(outcome) for outcome in outcomes] == [type(None), StoreUnavailable, type(None)]
    assert count(engine) == 2


def test_decisions_are_numbered_as_they_appear_and_no_number_comes_again(engine):
    async def use(writer):
        for _ in range(3):
            await asyncio.gather(*[writer.write(decisions, decision_row()) for _ in range(20)])

    def numbers():
        with engine.connect() as connection:
            query = select(decisions.c.sequence).order_by(decisions.c.decided_at_us)
            return list(connection.execute(query).scalars())

    with_writer(engine, use)
    assert sorted(numbers()) == list(range(1, 61))
    with writing(engine) as connection:
        connection.execute(delete(decisions))
    with_writer(engine, use)
    assert sorted(numbers()) == list(range(61, 121))


def test_numbers_wait_for_an_open_transaction_and_one_that_hangs_is_ended(engine):
    if is_sqlite(engine):
        pytest.skip("SQLite has one writer at a time")

    def hang():
        with writing(engine) as connection:
            rows = _numbered(connection, [decision_row()])
            began = time.monotonic()
            assert with_writer(engine, lambda w: w.write(decisions, decision_row())) is None
            assert time.monotonic() - began > IDLE_MS / 2_000
            connection.execute(insert(decisions), rows)

    with pytest.raises(InternalError, match="IdleInTransaction"):
        hang()
    assert count(engine) == 1


def test_store_that_is_down_says_so():
    engine = open_engine("postgresql://nobody@127.0.0.1:1/nothing")
    assert prepare_tables(engine) is False
    with pytest.raises(StoreUnavailable):
        with_writer(engine, lambda writer: writer.check())


WRITES = """
import asyncio, sys
from serve.store.tables import decisions, open_engine
from serve.store.group_commit import GroupWriter
from tests.serve.store.conftest import decision_row

async def client(writer):
    while True:
        row = decision_row()
        await writer.write(decisions, row)
        print(row["decision_id"], flush=True)

async def main():
    writer = GroupWriter(open_engine(sys.argv[1]))
    await asyncio.gather(*[client(writer) for _ in range(16)])

asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_under_load_loses_no_acknowledged_row(url):
    engine = open_engine(url)
    assert prepare_tables(engine)
    acknowledged = set()
    for _ in range(20):
        command = [sys.executable, "-c", WRITES, url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            seen = [process.stdout.readline() for _ in range(50)]
            os.kill(process.pid, signal.SIGKILL)
            seen += process.stdout.read().splitlines(keepends=True)
        acknowledged |= {line.strip() for line in seen if line.endswith("\n") and len(line) == 33}
    with engine.connect() as connection:
        stored = set(connection.execute(select(decisions.c.decision_id)).scalars())
    assert len(acknowledged) >= 1000
    assert acknowledged <= stored
