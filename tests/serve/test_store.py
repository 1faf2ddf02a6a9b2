"""The store: migrations, one row for one key, and nothing acknowledged that a kill can lose."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from litestar.testing import TestClient
from sqlalchemy import func, select

from fraud_core.errors import ParameterError
from serve.app import create_app
from serve.migrate import upgrade
from serve.settings import read_settings
from serve.store import HEAD, current_revision, decisions, metadata, new_id, now_us, open_engine, prepare_tables
from serve.writer import Earlier, GroupWriter, StoreDown
from tests.conftest import ROOT


def decision(key=None, payload="0" * 64):
    at_us = now_us()
    return {
        "decision_id": new_id(at_us), "owner": "shop", "idempotency_key": key, "payload_sha256": payload,
        "transaction_id": "t", "occurred_at_us": at_us, "decided_at_us": at_us, "decision": "approve",
        "fraud_probability": 0.1, "amount_eur": 1.0, "model_version": "m", "policy_version": "p", "lineage_id": "l",
        "request": "{}", "answer": payload[:1],
    }  # fmt: skip


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, url):
    """A store with its tables, in each of the two databases."""
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgresql"))
        migrate(url)
    engine = open_engine(url)
    assert prepare_tables(engine)
    yield engine
    engine.dispose()


def migrate(url):
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


def new_database(server):
    """Address of a fresh database of a server."""
    import psycopg

    name = f"d{os.urandom(6).hex()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


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


def test_migrations_make_the_tables_that_the_code_describes(engine):
    assert current_revision(engine) == HEAD
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_twice_changes_nothing(engine):
    upgrade(engine)
    assert current_revision(engine) == HEAD


def test_sqlite_flushes_every_commit_to_disk(url):
    engine = open_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_waiting_rows_are_all_written(engine):
    async def use(writer):
        return await asyncio.gather(*[writer.write(decisions, decision()) for _ in range(300)])

    assert with_writer(engine, use) == [None] * 300
    assert count(engine) == 300


def test_one_key_gives_one_row_also_concurrently(engine):
    async def use(writer):
        rows = [decision("k", str(k) * 64) for k in range(8)]
        return await asyncio.gather(*[writer.write(decisions, row) for row in rows])

    outcomes = with_writer(engine, use)
    assert count(engine) == 1
    assert outcomes.count(None) == 1
    winner = str(outcomes.index(None))
    assert {o.answer for o in outcomes if isinstance(o, Earlier)} == {winner}


def test_one_key_gives_one_row_after_a_restart(engine):
    first, second = decision("k", "a" * 64), decision("k", "b" * 64)
    assert with_writer(engine, lambda writer: writer.write(decisions, first)) is None
    found = with_writer(engine, lambda writer: writer.write(decisions, second))
    assert (found.record_id, found.payload_sha256) == (first["decision_id"], "a" * 64)


def test_row_that_is_refused_does_not_take_the_others_with_it(engine):
    async def use(writer):
        rows = [decision(), decision() | {"decision": None}, decision()]
        return await asyncio.gather(*[writer.write(decisions, row) for row in rows], return_exceptions=True)

    outcomes = with_writer(engine, use)
    assert [type(outcome) for outcome in outcomes] == [type(None), StoreDown, type(None)]
    assert count(engine) == 2


def test_postgresql_without_tables_is_not_changed_at_a_start(postgresql):
    engine = open_engine(new_database(postgresql))
    with pytest.raises(ParameterError, match=r"serve\.migrate"):
        prepare_tables(engine)
    engine.dispose()


def test_service_keeps_its_records_in_postgresql(postgresql, environment, decision):
    url = new_database(postgresql)
    migrate(url)
    with TestClient(create_app(read_settings(environment | {"FRAUD_STORE_URL": url}))) as client:
        assert client.get("/health/ready").status_code == 200
        made = client.post("/v1/decisions", json=decision, headers={"Idempotency-Key": "k"}).json()
        assert client.post("/v1/decisions", json=decision, headers={"Idempotency-Key": "k"}).json() == made
        assert client.get("/v1/decisions").json()["decisions"] == [made]


def test_store_that_is_down_says_so():
    engine = open_engine("postgresql://nobody@127.0.0.1:1/nothing")
    assert prepare_tables(engine) is False
    with pytest.raises(StoreDown):
        with_writer(engine, lambda writer: writer.check())


@pytest.mark.parametrize("address", ["mysql://u:hidden@h/d", "sqlite://", "nonsense"])
def test_unusable_address_is_refused_and_not_repeated(address):
    with pytest.raises(ParameterError, match="FRAUD_STORE_URL") as refused:
        open_engine(address)
    assert "hidden" not in str(refused.value)


def test_address_can_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text("postgresql://h/d\n")
    assert (
        read_settings({"FRAUD_ACCESS": "open", "FRAUD_STORE_URL_FILE": str(tmp_path / "url")}).store_url
        == "postgresql://h/d"
    )
    with pytest.raises(ParameterError, match="got both"):
        read_settings(
            {"FRAUD_ACCESS": "open", "FRAUD_STORE_URL_FILE": str(tmp_path / "url"), "FRAUD_STORE_URL": "sqlite:///x"}
        )


WRITES = """
import asyncio, sys
from serve.store import decisions, open_engine
from serve.writer import GroupWriter
from tests.serve.test_store import decision

async def client(writer):
    while True:
        row = decision()
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
