"""``python -m feature_repo.load``: apply the definitions
and backfill the online store from data/features.

A run that was stopped is run again: a history is written whole, so that to write it twice changes
nothing.
"""

# `make features` adds Feast to the environment:
# pyright: reportMissingImports=false
import argparse
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
from feast import FeatureStore

from fraud_core.errors import FraudCoreError, ParameterError
from fraud_core.features.store_rows import KINDS
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.stages.entity_model import HISTORIES

AT_ONCE = 500
REPO = Path(__file__).parent


def open_store(config: Path) -> FeatureStore:
    """The store that a configuration names.

    Raises
    ------
    ParameterError
        When there is no such file.
    """
    if not config.is_file():
        raise ParameterError(
            f"{config.name}: no such configuration; feature_repo/ holds those of SQLite and Redis"
        )
    return FeatureStore(repo_path=str(REPO), fs_yaml_file=config)


def define(store: FeatureStore) -> None:
    """Apply the definitions: the registry that the service reads is written, and no history is."""
    from feature_repo.definitions import OBJECTS

    store.apply(OBJECTS)


def backfill(store: FeatureStore, folder: Path) -> int:
    """Apply the definitions, write every history of a folder, and return their number.

    Raises
    ------
    ParameterError
        When a table of histories is missing.
    """
    tables = {kind: folder / f"{kind}s.parquet" for kind in KINDS}
    for path in tables.values():
        if not path.is_file():
            raise ParameterError(
                f"{path.parent.name}/{path.name}: no such table; make it with `make features`"
            )
    define(store)
    _let_readers_in(store)
    show, written = progress_bar(), 0
    for kind, path in tables.items():
        file, done = pq.ParquetFile(path), 0
        for batch in file.iter_batches(AT_ONCE):
            show(f"backfilling {kind}s", done, file.metadata.num_rows)
            store.write_to_online_store(f"{kind}_past", batch.to_pandas())
            done += batch.num_rows
        show(f"backfilling {kind}s", done, file.metadata.num_rows)
        written += done
    return written


def _let_readers_in(store: FeatureStore) -> None:
    """A SQLite file that can be read while it is written; the setting stays with the file."""
    config = store.config.online_store
    if config.type == "sqlite":
        with closing(sqlite3.connect(store.repo_path / config.path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def main(arguments: list[str] | None = None) -> int:
    """Backfill the store; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m feature_repo.load",
        description="Apply the definitions and backfill the online store from data/features.",
    )
    parser.add_argument(
        "--store", type=Path, default=REPO / "feature_store.yaml", help="Feast's configuration"
    )
    parser.add_argument(
        "--define",
        action="store_true",
        help="write the registry alone; an image of the service holds it",
    )
    options = parser.parse_args(arguments)
    try:
        store = open_store(options.store)
        if options.define:
            define(store)
            print(f"feature store: definitions of {options.store.name}")
            return 0
        written = backfill(store, within_project(HISTORIES))
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"feature store: {written} histories in {options.store.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
