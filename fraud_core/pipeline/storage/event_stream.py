"""The stream of the entity study: the user's own table of
events when a card was given, the simulated one otherwise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fraud_core.data import sources
from fraud_core.data.event_card import EventCard, decode_event_card, stream_origin, to_stream
from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.errors import ParameterError
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import TOY
from fraud_core.pipeline.storage.own_tables import (
    OWN,
    Choice,
    chosen_file,
    kept_name,
    own_table_of,
    read_pointer,
)
from fraud_core.pipeline.storage.tables import read_columns

RAW_EVENTS = "data/raw/events"


@dataclass(frozen=True)
class EventStream:
    """Events in the columns of `simulate_stream`, with the words that say whose they are.

    Attributes
    ----------
    origin
        Second 0 of the events in seconds since 1970, the midnight of a Monday; None for simulated
        ones.
    """

    events: pl.DataFrame
    title: str
    origin: int | None = None


def use_events(card: Path | None) -> str:
    """Take the user's table of events for the entity study,
    or go back to the simulated stream; says which is used.
    """
    return events_choice(card).take()


def events_choice(card: Path | None) -> Choice:
    """Check a choice between the user's table of events
    and the simulated stream (None), without making it.

    Raises
    ------
    ParameterError, SourceError, ContractError
        When card or table is refused.
    """
    if card is None:
        words = "events: simulated"
        before = read_pointer(within_project(RAW_EVENTS))
        if before is not None and before["origin"] == OWN:
            words += "; your own events are kept in data/own/events, CARD=path takes them again"
        return Choice(RAW_EVENTS, {"origin": "simulated"}, words)
    if not card.is_file():
        raise ParameterError(
            f"CARD={card}: no such file; give the path of a card of events (docs/entities.md)"
        )
    read = decode_event_card(card.read_bytes(), name=card.name)
    table = card.parent / read.file
    raw = read_columns(table)
    to_stream(raw, read)
    stream_origin(raw, read)
    folder = Path(RAW_EVENTS)
    digest, kept = own_table_of(table, folder)
    kept_card = kept_name(card, folder, sources.file_sha256(card))
    pointer = {
        "origin": OWN,
        "file": kept.as_posix(),
        "card": kept_card.as_posix(),
        "sha256": digest,
    }
    return Choice(
        RAW_EVENTS,
        pointer,
        f"events: {read.title} ({table.name})",
        ((table, kept), (card, kept_card)),
    )


def open_events(data_dir: str, stream: dict[str, Any], seed: int) -> EventStream:
    """The events of the study.

    Parameters
    ----------
    data_dir
        ``"toy"`` simulates; any other folder is looked into for the user's own events first.
    stream, seed
        Settings of `StreamSettings`, and the seed, where the stream is simulated.

    Examples
    --------
    >>> open_events(
    ...     "toy", {"n_customers": 40, "n_terminals": 50, "n_days": 3, "radius": 20.0}, seed=1
    ... ).title
    'simulated payments'
    """
    folder = within_project(data_dir) / "raw" / "events"
    chosen = None if data_dir == TOY else read_pointer(folder)
    if chosen is None or chosen["origin"] != OWN:
        return EventStream(simulate_stream(_settings(stream), seed=seed), "simulated payments")
    path = chosen_file(folder, RAW_EVENTS, "card") if "card" in chosen else folder / "card.yaml"
    card = decode_event_card(path.read_bytes(), name=path.name)
    table = read_columns(chosen_file(folder, RAW_EVENTS))
    return EventStream(to_stream(table, card), _words(card), stream_origin(table, card))


def _settings(stream: dict[str, Any]) -> StreamSettings:
    try:
        return StreamSettings(**stream)
    except TypeError as error:
        raise ParameterError(
            f"entities.stream: {error}; the settings are those of StreamSettings"
        ) from error


def _words(card: EventCard) -> str:
    return f"payments of {card.title} ({card.kind})"
