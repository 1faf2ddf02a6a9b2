import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, select, text

from serve.store.migrate import main, upgrade
from serve.store.migrations.versions import r0001_first_tables as first
from serve.store.tables import HEAD, current_revision, decisions, open_engine, sequences, writing
from tests.serve.store.conftest import decision_row, new_database


def test_migrating_twice_changes_nothing(engine):
    upgrade(engine)
    assert current_revision(engine) == HEAD


def test_command_says_from_which_revision_to_which_it_went(url, monkeypatch, capsys):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    monkeypatch.setenv("FRAUD_STORE_URL", url)
    assert main() == 0
    assert capsys.readouterr().out == f"store: revision none → {HEAD}\n"
    assert main() == 0
    assert capsys.readouterr().out == f"store: revision {HEAD} → {HEAD}\n"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_decisions_of_the_first_revision_are_numbered_by_time(request, url, kind):
    if kind == "postgresql":
        url = new_database(request.getfixturevalue("postgresql"))
    engine, rows = open_engine(url), [decision_row(str(k)) for k in range(5)]
    for row in rows:
        del row["sequence"]
    with writing(engine) as connection:
        with Operations.context(MigrationContext.configure(connection)):
            first.upgrade()
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.execute(insert(decisions), rows[::-1])
    upgrade(engine)
    with engine.connect() as connection:
        numbered = select(decisions.c.decision_id, decisions.c.sequence)
        pairs = connection.execute(numbered.order_by(decisions.c.sequence)).all()
        last = connection.execute(select(sequences.c.last)).scalar_one()
    engine.dispose()
    ordered = sorted(row["decision_id"] for row in rows)
    assert [tuple(pair) for pair in pairs] == list(zip(ordered, range(1, 6), strict=True))
    assert last == 5


def test_writers_of_the_version_before_are_numbered_too(postgresql):
    engine = open_engine(new_database(postgresql))
    upgrade(engine)
    rows = [decision_row() for _ in range(3)]
    for row in rows:
        del row["sequence"]
    with writing(engine) as connection:
        connection.execute(insert(decisions), rows)
        numbers = connection.execute(select(decisions.c.sequence)).scalars().all()
        last = connection.execute(select(sequences.c.last)).scalar_one()
    engine.dispose()
    assert (sorted(numbers), last) == ([1, 2, 3], 3)
