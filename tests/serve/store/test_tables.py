"""The tables of the store: their migrations, both databases, and addresses that cannot be used."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from litestar.testing import TestClient

from fraud_core.errors import ParameterError
from serve.app import create_app
from serve.settings import read_settings
from serve.store.tables import HEAD, current_revision, metadata, open_engine
from tests.serve.store.conftest import migrate, new_database


def test_migrations_make_the_tables_that_the_code_describes(engine):
    assert current_revision(engine) == HEAD
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_sqlite_flushes_every_commit_to_disk(url):
    engine = open_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_service_keeps_its_records_in_postgresql(postgresql, environment, decision):
    url = new_database(postgresql)
    migrate(url)
    with TestClient(create_app(read_settings(environment | {"FRAUD_STORE_URL": url}))) as client:
        assert client.get("/health/ready").status_code == 200
        made = client.post("/v1/decisions", json=decision, headers={"Idempotency-Key": "k"}).json()
        assert (
            client.post("/v1/decisions", json=decision, headers={"Idempotency-Key": "k"}).json()
            == made
        )
        assert client.get("/v1/decisions").json()["decisions"] == [made]


@pytest.mark.parametrize("address", ["mysql://u:hidden@h/d", "sqlite://", "nonsense"])
def test_unusable_address_is_refused_and_not_repeated(address):
    with pytest.raises(ParameterError, match="FRAUD_STORE_URL") as refused:
        open_engine(address)
    assert "hidden" not in str(refused.value)


def test_address_can_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text("postgresql://h/d\n")
    assert (
        read_settings(
            {"FRAUD_ACCESS": "open", "FRAUD_STORE_URL_FILE": str(tmp_path / "url")}
        ).store_url
        == "postgresql://h/d"
    )
    with pytest.raises(ParameterError, match="got both"):
        read_settings(
            {
                "FRAUD_ACCESS": "open",
                "FRAUD_STORE_URL_FILE": str(tmp_path / "url"),
                "FRAUD_STORE_URL": "sqlite:///x",
            }
        )
