"""A small stream, its model and its histories, and feature stores that hold them, for tests."""

import shutil
import subprocess
from collections import deque
from importlib.util import find_spec

import msgspec
import numpy as np
import polars as pl
import pytest

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.features.history import Event, payment_features
from fraud_core.features.store_rows import KINDS, MONDAY
from fraud_core.features.store_table import history_rows
from fraud_core.features.windows import DAY_SECONDS
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.stages.entity_model import make_entity_model
from tests.conftest import ROOT, small_estimators
from tests.network import free_port
from tests.waiting import wait_until

needs_feast = pytest.mark.skipif(
    find_spec("feast") is None, reason="no Feast here (make features adds it)"
)
REDIS = shutil.which("redis-server")
ORIGIN = MONDAY + 52 * 7 * DAY_SECONDS
KEPT_SECONDS = 38 * DAY_SECONDS
STREAM = {"n_customers": 120, "n_terminals": 160, "n_days": 75, "radius": 20.0}


def small_params():
    params = read_params(ROOT / "params.yaml")
    return msgspec.structs.replace(
        params,
        entity_model=msgspec.structs.replace(
            params.entity_model, stream=STREAM, test_days=10, validation_days=7
        ),
        model=msgspec.structs.replace(params.model, estimators=small_estimators(), n_threads=1),
        certificate=msgspec.structs.replace(params.certificate, parts=[3]),
    )


def small_stream():
    return simulate_stream(StreamSettings(**STREAM), seed=1)


def make_project(folder):
    """A project with a small model of entities and the
    histories at the end of its stream; returns its bundle.
    """
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_entity_model(small_params())
    return folder / "models" / "entities"


def write_histories(folder, events):
    """The histories of a table of events, as the repository reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        history_rows(events, kind, origin=ORIGIN, lookback_seconds=KEPT_SECONDS).write_parquet(
            folder / f"{kind}s.parquet"
        )


def write_config(folder, online):
    """Feast's configuration for a store of its own; definitions are those of the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "feature_store.yaml"
    path.write_text(
        f"project: fraud\nprovider: local\nregistry: {folder}/registry.db\nonline_store: {online}\n"
        "offline_store: {type: file}\nentity_key_serialization_version: 3\n"
    )
    return path


def sqlite_config(folder):
    return write_config(folder, f"{{type: sqlite, path: {folder}/online.db}}")


def redis_config(folder, port):
    return write_config(
        folder, f'{{type: redis, connection_string: "127.0.0.1:{port}", skip_dedup: true}}'
    )


def start_redis(folder):
    """A Redis server of its own on loopback; returns process and port."""
    port = free_port()
    command = [
        REDIS,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers():
        ready = subprocess.run(
            ["redis-cli", "-p", str(port), "ping"], capture_output=True, text=True
        )
        return ready.stdout.strip() == "PONG"

    wait_until(answers, "an answer of Redis", process)
    return process, port


def monday(seconds):
    """A second of the stream as histories count."""
    return ORIGIN + seconds - MONDAY


def before(events, moment):
    """Events before a moment with the reports that were known then."""
    known = pl.col("reported_at") < moment
    return events.filter(pl.col("time") < moment).with_columns(
        label=pl.when(known).then("label").otherwise(0).cast(pl.Int8),
        reported_at=pl.when(known).then("reported_at"),
    )


def hold(folder, events):
    """A SQLite store of a table of events."""
    from feature_repo.load import backfill, open_store
    from serve.features.feast_store import FeastHistories

    write_histories(folder / "histories", events)
    config = sqlite_config(folder / "feast")
    backfill(open_store(config), folder / "histories")
    return FeastHistories(config)


def event_of(row):
    """A row of a stream as it reaches a store."""
    return Event(
        str(row["transaction_id"]),
        monday(row["time"]),
        str(row["customer_id"]),
        str(row["terminal_id"]),
        row["amount_eur"],
    )


def replay(store, stream, table, last):
    """Answer the last events from a store and take
    each over, with the reports that come in between.

    Returns how many figures differ from those of the table.
    """
    from serve.features.take_over import Report, take_over

    windows = {"windows_days": [1, 7, 30], "label_delay_days": 7}
    start, mismatches = stream["time"][-last], 0
    names = [name for name in table.columns if name not in stream.columns]
    waiting = deque(
        stream.filter(pl.col("reported_at") >= start).sort("reported_at").iter_rows(named=True)
    )
    for row in table.filter(pl.col("time") >= start).iter_rows(named=True):
        reports = []
        while waiting and waiting[0]["reported_at"] < row["time"]:
            reported = waiting.popleft()
            reports.append(Report(event_of(reported), monday(reported["reported_at"])))
        assert take_over(store, [], reports) == 0
        histories_read = store.read_now(str(row["customer_id"]), str(row["terminal_id"]))
        made = payment_features(
            histories_read.customer, histories_read.terminal, event_of(row), **windows
        )
        expected = [np.nan if row[name] is None else float(row[name]) for name in names]
        equal = np.isclose([made[name] for name in names], expected, rtol=0, atol=0, equal_nan=True)
        mismatches += int((~equal).sum())
        assert take_over(store, [event_of(row)], []) == 0
    return mismatches
