"""Payments and reports of fraud become the pasts of their customers and terminals."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fraud_core.errors import ParameterError
from fraud_core.features.history import Event, Past, remember, report
from fraud_core.features.store_rows import KINDS, Kind


@dataclass(frozen=True)
class Report:
    """A payment was said to be fraud at a time, or not to be (None)."""

    event: Event
    reported_at: int | None


class FeatureStore(Protocol):
    """What the ingestion worker needs of a feature store."""

    ttl_seconds: int

    def read_kind(self, kind: Kind, entities: Iterable[str]) -> dict[str, Past]:
        """Pasts by identity."""
        ...

    def push(self, kind: Kind, pasts: Mapping[str, Past]) -> None:
        """Put whole pasts in their place."""
        ...


def take_over(store: FeatureStore, events: Sequence[Event], reports: Sequence[Report]) -> int:
    """Put payments and then reports into the pasts
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
            kind, {entity: past for entity, past in known.items() if past is not before[entity]}
        )
    return len(refused)


def _entity(event: Event, kind: Kind) -> str:
    return str(event.customer_id if kind == "customer" else event.terminal_id)


def _with(past: Past, what: Event | Report, horizon_seconds: int) -> Past:
    """A past with a payment or a report.

    A payment that is reported before it was taken over comes with its report; the report of one
    that no window reaches any more changes nothing.
    """
    if isinstance(what, Event):
        return remember(past, what, horizon_seconds)
    if past.latest is not None and what.event.time < past.latest - horizon_seconds:
        return past
    return report(
        remember(past, what.event, horizon_seconds), what.event.transaction_id, what.reported_at
    )
