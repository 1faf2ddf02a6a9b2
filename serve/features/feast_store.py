"""The histories of customers and terminals in Feast. Imported
only where a feature store is configured: Feast is heavy.

Feast's calls block, so one thread of its own makes them; a request waits for it and the others go
on.
"""

# `make features` adds Feast and Redis to the environment:
# pyright: reportMissingImports=false
import asyncio
import sqlite3
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from feast import FeatureStore
from feast.data_source import PushMode
from feast.errors import FeastObjectNotFoundException
from redis.exceptions import RedisError

from fraud_core.errors import ParameterError
from fraud_core.features.history import EMPTY, EntityHistory
from fraud_core.features.store_rows import (
    KINDS,
    MONDAY,
    PARTS,
    Kind,
    history_of_row,
    row_of_history,
)
from serve.features.entities import EntityHistories, FeatureStoreUnavailable

if TYPE_CHECKING:
    from feast.protos.feast.types.Value_pb2 import Value

SERVICE = "payment"
READ_SECONDS = 2.0
UNREACHABLE = (sqlite3.Error, RedisError, OSError)


class FeastHistories:
    """Reads and pushes histories.

    Parameters
    ----------
    config
        Feast's configuration, such as feature_repo/feature_store.yaml.

    Raises
    ------
    ParameterError
        When the definitions were not applied.
    """

    def __init__(self, config: Path) -> None:
        self._store = FeatureStore(repo_path=str(config.resolve().parent), fs_yaml_file=config)
        try:
            self._service = self._store.get_feature_service(SERVICE)
            views = [self._store.get_feature_view(f"{kind}_past") for kind in KINDS]
        except FeastObjectNotFoundException as error:
            raise ParameterError(
                f"FRAUD_FEATURE_STORE: {config.name}: the store was not filled; run `make features`"
            ) from error
        self.ttl_seconds = int(min(view.ttl.total_seconds() for view in views))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feast")

    async def read(self, customer_id: str, terminal_id: str) -> EntityHistories:
        """What is remembered of both, in one call.

        Raises
        ------
        FeatureStoreUnavailable
            When the store cannot be read, or not within two seconds.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await loop.run_in_executor(
                    self._thread, self.read_now, customer_id, terminal_id
                )
        except (TimeoutError, *UNREACHABLE) as error:
            raise FeatureStoreUnavailable from error

    def read_now(self, customer_id: str, terminal_id: str) -> EntityHistories:
        """As `read`, in the caller's thread; errors are those of the store."""
        entities = {"customer_id": customer_id, "terminal_id": terminal_id}
        answer = self._store.get_online_features(
            features=self._service, entity_rows=[entities]
        ).proto
        columns = dict(zip(answer.metadata.feature_names.val, answer.results, strict=True))
        histories, times = zip(*(_remembered(columns, kind) for kind in KINDS), strict=True)
        return EntityHistories(*histories, *times)

    def read_kind(self, kind: Kind, entities: Iterable[str]) -> dict[str, EntityHistory]:
        """The histories of several customers or terminals
        by identity; `EMPTY` for those never seen.
        """
        rows_of_entities = [{f"{kind}_id": entity} for entity in entities]
        if not rows_of_entities:
            return {}
        names = [f"{kind}_past:{kind}_{part}" for part in PARTS]
        columns = self._store.get_online_features(
            features=names, entity_rows=rows_of_entities
        ).to_dict()
        rows = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        return {row[f"{kind}_id"]: history_of_row(row, kind) for row in rows}

    def push(self, kind: Kind, histories: Mapping[str, EntityHistory]) -> None:
        """Put whole histories instead of those that the store holds."""
        rows = [
            row_of_history(history, kind, entity) | {"event_timestamp": _newest(history, entity)}
            for entity, history in histories.items()
        ]
        if rows:
            self._store.push(f"{kind}_push", pd.DataFrame(rows), to=PushMode.ONLINE)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _newest(history: EntityHistory, entity: str) -> datetime:
    """The time of the newest payment of a history, UTC."""
    if history.latest is None:
        raise ValueError(f"{entity}: expected a history with a payment")
    return datetime.fromtimestamp(history.latest + MONDAY, UTC)


def _remembered(columns: Mapping[str, Any], kind: Kind) -> tuple[EntityHistory, int | None]:
    """The history in columns of one row, and the time of
    its newest payment; Feast says 0 where there is none.

    The columns are read as they are sent: Feast's ``to_dict`` looks up each value's type again.
    """
    names = [f"{kind}_{part}" for part in PARTS]
    row = {name: _items(columns[name].values[0]) for name in names}
    at = columns[names[0]].event_timestamps[0].seconds
    return (history_of_row(row, kind), int(at) - MONDAY) if at and row[names[0]] else (EMPTY, None)


def _items(value: "Value") -> list:
    """The items of a list, none where the store holds nothing."""
    held = value.WhichOneof("val")
    return list(getattr(value, held).val) if held else []
