"""The stream of the entity study: the user's own table of events when a card was given, the simulated one otherwise."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fraud_core.data import sources
from fraud_core.data.events import EventCard, decode_event_card, stream_origin, to_stream
from fraud_core.data.simulate import StreamSettings, simulate_stream
from fraud_core.errors import ParameterError
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.tables import read_columns
from fraud_core.pipeline.versions import TOY

RAW_EVENTS = "data/raw/events"
CARD, SOURCE = "card.yaml", "source.json"


@dataclass(frozen=True)
class EventStream:
    """Events in the columns of `simulate_stream`, with the words that say whose they are.

    Attributes
    ----------
    origin
        Second 0 of the events in seconds since 1970, the midnight of a Monday; None for simulated ones.
    """

    events: pl.DataFrame
    title: str
    origin: int | None = None


def use_events(card: Path | None) -> str:
    """Take the user's table of events for the entity study, or go back to the simulated stream.

    The table is read and checked before anything is changed.

    Returns
    -------
    str
        One line that says which events are used.

    Raises
    ------
    ParameterError, ContractError
        When card or table is refused.
    """
    folder = within_project(RAW_EVENTS)
    if card is None:
        _empty(folder)
        _write_source(folder, {"origin": "simulated"})
        return "events: simulated"
    if not card.is_file():
        raise ParameterError(f"CARD={card}: no such file; give the path of a card of events (docs/entities.md)")
    text = card.read_bytes()
    read = decode_event_card(text, name=card.name)
    table = card.parent / read.file
    to_stream(read_columns(table), read)
    _empty(folder)
    taken = sources.take_own_file(table, folder)
    (folder / CARD).write_bytes(text)
    _write_source(folder, {"origin": "own", "file": taken.name, "sha256": sources.file_sha256(taken)})
    return f"events: {read.title} ({table.name})"


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
    >>> open_events("toy", {"n_customers": 40, "n_terminals": 50, "n_days": 3, "radius": 20.0}, seed=1).title
    'simulated payments'
    """
    folder = within_project(data_dir) / "raw" / "events"
    if data_dir == TOY or not (folder / CARD).is_file():
        return EventStream(simulate_stream(_settings(stream), seed=seed), "simulated payments")
    card = decode_event_card((folder / CARD).read_bytes(), name=CARD)
    table = read_columns(folder / _own_file(folder))
    return EventStream(to_stream(table, card), _words(card), stream_origin(table, card))


def _settings(stream: dict[str, Any]) -> StreamSettings:
    try:
        return StreamSettings(**stream)
    except TypeError as error:
        raise ParameterError(f"entities.stream: {error}; the settings are those of StreamSettings") from error


def _words(card: EventCard) -> str:
    return f"payments of {card.title} ({card.kind})"


def _own_file(folder: Path) -> str:
    return json.loads((folder / SOURCE).read_bytes())["file"]


def _empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()


def _write_source(folder: Path, value: dict[str, str]) -> None:
    (folder / SOURCE).write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
