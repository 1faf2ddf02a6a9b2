import pytest
from sqlalchemy import text

from fraud_core.errors import ParameterError
from serve.store.prepare import prepare_tables
from serve.store.tables import HEAD, current_revision, open_engine, writing
from tests.serve.store.conftest import migrate, new_database


def test_postgresql_without_tables_is_not_changed_at_a_start(postgresql):
    engine = open_engine(new_database(postgresql))
    with pytest.raises(ParameterError, match=r"serve\.store\.migrate"):
        prepare_tables(engine)
    engine.dispose()


def test_empty_file_gets_its_tables_and_keeps_them(url):
    engine = open_engine(url)
    assert current_revision(engine) is None
    assert prepare_tables(engine)
    assert current_revision(engine) == HEAD
    assert prepare_tables(engine)
    engine.dispose()


def test_tables_of_a_later_version_are_refused_and_not_changed(url):
    engine = open_engine(url)
    migrate(url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(ParameterError, match=f"expected tables of revision {HEAD}, found r9999"):
        prepare_tables(engine)
    assert current_revision(engine) == "r9999"
    engine.dispose()
