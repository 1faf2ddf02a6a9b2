"""The tables of decisions, labels and audit, and
how a database is opened. Rows are only ever added.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import urandom
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Engine,
    Index,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from fraud_core.errors import ParameterError

HEAD = "0002"
BUSY_MS = 2_000
CONNECT_SECONDS = 2
STATEMENT_MS = 5_000
IDLE_MS = 2_000
POOL_SIZE = 5
WRITE = "fraud_write"

metadata = MetaData()

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("idempotency_key", String(128)),
    Column("payload_sha256", String(64), nullable=False),
    Column("transaction_id", String(64), nullable=False, index=True),
    Column("occurred_at_us", BigInteger, nullable=False),
    Column("decided_at_us", BigInteger, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("fraud_probability", Double, nullable=False),
    Column("amount_eur", Double, nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("lineage_id", String(64), nullable=False),
    Column("request", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    UniqueConstraint("owner", "idempotency_key", name="uq_decisions_idempotency"),
    Index("ix_decisions_sequence", "sequence", "decision_id", unique=True),
)
# The last number that was given. Whoever takes the next ones holds the row until the commit, so
# that the order of the numbers is the order in which rows appear.
sequences = Table(
    "sequences",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("last", BigInteger, nullable=False),
)
labels = Table(
    "labels",
    metadata,
    Column("label_id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("payload_sha256", String(64), nullable=False),
    Column("transaction_id", String(64), nullable=False, index=True),
    Column("decision_id", String(32)),
    Column("source", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("occurred_at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("amount_eur", Double),
    Column("answer", Text, nullable=False),
    UniqueConstraint("owner", "event_id", name="uq_labels_event"),
)
audit = Table(
    "audit",
    metadata,
    Column("audit_id", String(32), primary_key=True),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_kind_subject", "kind", "subject"),
)


def now_us() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


def new_id(at_us: int) -> str:
    """A random identifier of 32 hexadecimal digits
    that sorts by time, so that one index serves both.

    Parameters
    ----------
    at_us
        Microseconds since 1970, UTC; the first 14 digits.

    Examples
    --------
    >>> new_id(1)[:14], len(new_id(1))
    ('00000000000001', 32)
    """
    return f"{at_us:014x}{urandom(9).hex()}"


def open_engine(store_url: str) -> Engine:
    """An engine for SQLite or PostgreSQL; no connection
    is made yet, but the folder of a SQLite file is.

    Raises
    ------
    ParameterError
        When the address names another database or cannot be used. It never repeats the address,
        which may hold a password.
    """
    try:
        url = make_url(store_url)
    except (ArgumentError, ValueError) as error:
        raise ParameterError(
            "FRAUD_STORE_URL: expected a database address such as sqlite:///state/x.db"
        ) from error
    kind = url.get_backend_name() if url.drivername != "postgres" else "postgresql"
    if kind == "sqlite":
        return _sqlite(url)
    if kind == "postgresql":
        options = {
            "connect_timeout": CONNECT_SECONDS,
            # a process that hangs within a transaction must not hold up the others for ever
            "options": f"-c statement_timeout={STATEMENT_MS} "
            f"-c idle_in_transaction_session_timeout={IDLE_MS}",
        }
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=options,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
        )
    raise ParameterError(
        "FRAUD_STORE_URL: expected a sqlite or postgresql address, got another kind"
    )


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ParameterError(
            "FRAUD_STORE_URL: expected a file for SQLite, since memory is not durable"
        )
    # A folder that cannot be made now is a store that cannot be reached now.
    with suppress(OSError):
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=CONNECT_SECONDS)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        # Transactions are begun by hand, below: the driver would begin writes too late to be safe
        # across processes.
        connection.isolation_level = None
        for setting in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        kind = "IMMEDIATE" if connection.get_execution_options().get(WRITE) else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection inside a transaction that writes, committed at the end."""
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        yield connection


def is_sqlite(engine: Engine) -> bool:
    """Whether the store is a file of this machine, which the service may prepare by itself."""
    return engine.dialect.name == "sqlite"


def current_revision(engine: Engine) -> str | None:
    """The revision of the tables that are there; None when there are none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
