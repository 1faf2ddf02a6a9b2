"""``python -m serve.store.migrate``: bring the tables
of the store to the revision that this version reads.
"""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from serve.store.command import run_on_store
from serve.store.tables import current_revision, is_sqlite, writing

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 7_316_204_518  # any number that no other program of the same database uses


def upgrade(engine: Engine) -> None:
    """Run the missing migrations, all or none; workers that start together wait for each other."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def missing(revision: str, context: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs("head", revision)

    with (
        EnvironmentContext(config, script, fn=missing) as environment,
        writing(engine) as connection,
    ):
        if not is_sqlite(engine):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        environment.configure(connection=connection)
        with environment.begin_transaction():
            environment.run_migrations()


def main() -> int:
    """Migrate the store of the settings; what is wrong is one clear line."""
    return run_on_store(_migrate)


def _migrate(engine: Engine) -> None:
    before = current_revision(engine)
    upgrade(engine)
    print(f"store: revision {before or 'none'} → {current_revision(engine)}")


if __name__ == "__main__":
    raise SystemExit(main())
