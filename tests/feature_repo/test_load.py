"""The feature store: filled, read back, equal to the table, in SQLite and in Redis."""

import polars as pl
import pytest

from fraud_core.features.offline import add_features
from tests.conftest import ROOT
from tests.feature_store import (
    KEPT_SECONDS,
    REDIS,
    before,
    needs_feast,
    redis_config,
    replay,
    small_stream,
    sqlite_config,
    start_redis,
    write_config,
    write_histories,
)
from tests.waiting import wait_until_ended

pytestmark = [needs_feast, pytest.mark.slow, pytest.mark.xdist_group("feast")]
ANSWERED = 150


@pytest.fixture(scope="module")
def stream():
    return small_stream()


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def config(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield sqlite_config(folder)
        return
    if REDIS is None:
        pytest.skip("no Redis on this machine (Debian: apt-get install redis-server)")
    process, port = start_redis(folder)
    yield redis_config(folder, port)
    process.terminate()
    wait_until_ended(process)


@pytest.fixture(scope="module")
def filled(config, stream, tmp_path_factory):
    """A store as it was before the last events of the stream."""
    from feature_repo.load import backfill, open_store
    from serve.features.feast_store import FeastHistories

    folder, moment = tmp_path_factory.mktemp("histories"), stream["time"][-ANSWERED]
    write_histories(folder, before(stream, moment))
    assert backfill(open_store(config), folder) > 200
    store = FeastHistories(config)
    yield store
    store.close()


def test_replayed_events_have_the_features_of_the_table(filled, stream):
    """Each event is answered from the store and then
    taken over, with the reports that came in between.
    """
    table = add_features(stream)
    assert replay(filled, stream, table, ANSWERED) == 0
    wrong = table.with_columns(customer_count_30d=pl.col("customer_count_30d") + 1)
    assert replay(filled, stream, wrong, 3) == 3, "a figure that is wrong is counted"


def test_entity_that_was_never_seen_has_no_past_and_no_time(filled):
    remembered = filled.read_now("nobody", "nowhere")
    assert remembered.customer.ids == ()
    assert (remembered.customer_at, remembered.terminal_at) == (None, None)


def test_ttl_is_what_is_kept(filled):
    assert filled.ttl_seconds == KEPT_SECONDS


def test_filling_twice_changes_nothing(config, filled, stream, tmp_path):
    from feature_repo.load import backfill, open_store

    write_histories(tmp_path, stream)
    customer = str(stream["customer_id"][-1])
    backfill(open_store(config), tmp_path)
    once = filled.read_now(customer, "nowhere").customer
    backfill(open_store(config), tmp_path)
    assert filled.read_now(customer, "nowhere").customer.ids == once.ids


def test_missing_table_and_missing_configuration_are_named(config, tmp_path):
    from feature_repo.load import backfill, open_store
    from fraud_core.errors import ParameterError

    with pytest.raises(ParameterError, match=r"customers\.parquet: no such table"):
        backfill(open_store(config), tmp_path)
    with pytest.raises(ParameterError, match=r"none.yaml: no such configuration"):
        open_store(tmp_path / "none.yaml")


def test_definitions_alone_need_no_redis_and_name_no_folder_of_the_machine(
    tmp_path, monkeypatch, capsys
):
    """The registry in the image of entities: made where Redis cannot be reached."""
    from feature_repo.load import main

    monkeypatch.delenv("FRAUD_REDIS", raising=False)
    path = write_config(
        tmp_path, '{type: redis, connection_string: "${FRAUD_REDIS}", skip_dedup: true}'
    )
    assert main(["--store", str(path), "--define"]) == 0
    assert "definitions of feature_store.yaml" in capsys.readouterr().out
    registry = (tmp_path / "registry.db").read_bytes()
    assert b"customer_past" in registry
    assert str(ROOT).encode() not in registry
