"""Fixtures of the store: a row, and a store with its tables in each of the two databases."""

import itertools
import os

import pytest

from serve.store.migrate import upgrade
from serve.store.prepare import prepare_tables
from serve.store.tables import new_id, now_us, open_engine

NUMBERS = itertools.count(1)  # of rows that are written without a writer


def decision_row(key=None, payload="0" * 64):
    at_us = now_us()
    return {
        "decision_id": new_id(at_us),
        "owner": "shop",
        "idempotency_key": key,
        "payload_sha256": payload,
        "transaction_id": "t",
        "occurred_at_us": at_us,
        "decided_at_us": at_us,
        "decision": "approve",
        "fraud_probability": 0.1,
        "amount_eur": 1.0,
        "model_version": "m",
        "policy_version": "p",
        "lineage_id": "l",
        "request": "{}",
        "answer": payload[:1],
        "sequence": next(NUMBERS),
    }


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
