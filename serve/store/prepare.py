"""The store at the start of the service: tables that are ready, are made here, or are refused."""

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from fraud_core.errors import ParameterError
from serve.store.tables import HEAD, current_revision, is_sqlite


def prepare_tables(engine: Engine) -> bool:
    """Make a SQLite store ready, and check that a PostgreSQL
    store is; False when it cannot be reached now.

    Raises
    ------
    ParameterError
        When the tables are of another revision and are not ours to change at a start.
    """
    try:
        revision = current_revision(engine)
        if revision == HEAD:
            return True
        if is_sqlite(engine) and (revision is None or revision < HEAD):
            # Imported here: a store that is ready needs no migration tool in the memory of each
            # worker.
            from serve.store.migrate import upgrade

            upgrade(engine)
            return True
    except SQLAlchemyError:
        return False
    raise ParameterError(
        f"FRAUD_STORE_URL: expected tables of revision {HEAD}, found {revision or 'none'}; "
        "run `python -m serve.store.migrate`"
    )
