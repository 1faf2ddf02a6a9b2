"""Payments and reports of fraud become the histories of their customers and terminals."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fraud_core.errors import ParameterError
from fraud_core.features.history import EntityHistory, Event, append_event, report
from fraud_core.features.store_rows import KINDS, Kind


@dataclass(frozen=True)
class Report:
    """A payment was said to be fraud at a time, or not to be (None)."""

    event: Event
    reported_at: int | None


class FeatureStore(Protocol):
    """What the ingestion worker needs of a feature store."""

    ttl_seconds: int

    def read_kind(self, kind: Kind, entities: Iterable[str]) -> dict[str, EntityHistory]:
        """Histories by identity."""
        ...

    def push(self, kind: Kind, histories: Mapping[str, EntityHistory]) -> None:
        """Put whole histories in their place."""
        ...


def take_over(store: FeatureStore, events: Sequence[Event], reports: Sequence[Report]) -> int:
    """Put payments and then reports into the histories
    of their entities; returns how many were refused.

    An event that contradicts an earlier one, or is older than anything that is remembered, is
    refused and named; the others are taken over.
    """
    about = [*events, *(said.event for said in reports)]
    refused: set[int] = set()
    for kind in KINDS:
        known = store.read_kind(kind, dict.fromkeys(_entity(event, kind) for event in about))
        before = dict(known)
        for number, what in enumerate([*events, *reports]):
            entity = _entity(about[number], kind)
            try:
                known[entity] = _with(known[entity], what, store.ttl_seconds)
            except ParameterError as error:
                refused.add(number)
                print(f"refused: {error}", file=sys.stderr, flush=True)
        store.push(
            kind,
            {entity: history for entity, history in known.items() if history is not before[entity]},
        )
    return len(refused)


def _entity(event: Event, kind: Kind) -> str:
    return str(event.customer_id if kind == "customer" else event.terminal_id)


def _with(history: EntityHistory, what: Event | Report, lookback_seconds: int) -> EntityHistory:
    """A history with a payment or a report.

    A payment that is reported before it was taken over comes with its report; the report of one
    that no window reaches any more changes nothing.
    """
    if isinstance(what, Event):
        return append_event(history, what, lookback_seconds)
    if history.latest is not None and what.event.time < history.latest - lookback_seconds:
        return history
    return report(
        append_event(history, what.event, lookback_seconds),
        what.event.transaction_id,
        what.reported_at,
    )
