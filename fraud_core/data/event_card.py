"""Cards of event tables: any table with customer, terminal,
time, amount and label, in the columns of the stream.
"""

from typing import Literal

import msgspec
import polars as pl

from fraud_core.data.parsing import (
    PLAUSIBLE_YEARS,
    Parsed,
    parse_floats,
    parse_identities,
    parse_labels,
    parse_times,
)
from fraud_core.data.yaml_text import decode_yaml
from fraud_core.errors import ContractError, ParameterError
from fraud_core.features.offline import DAY_SECONDS, first_and_last_second

EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0
LARGEST_AMOUNT = 1e12  # of any currency; in cents it is far inside an integer of 64 bits
LONGEST_DELAY_DAYS = 3650.0
LABEL, IDENTITY = "a label, 0 or 1", "an identity"


class EventColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the columns are called; `id` and `reported_at` may be missing."""

    time: str
    customer: str
    terminal: str
    amount: str
    label: str
    id: str | None = None
    reported_at: str | None = None


class EventCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a table of events is: where it lies, how
    its columns are called, how its times are written.

    Attributes
    ----------
    file
        CSV or parquet, relative to the card.
    time
        ``seconds``, ``milliseconds``, ``microseconds`` or ``nanoseconds`` since 1970; or ``text``,
        also for typed dates and times. What names no zone is UTC.
    time_format
        Of a text, in the letters of `strftime`.
    report_delay_days
        After how many days a fraud counts as reported where no column says when it was.
    """

    name: str
    title: str
    kind: Literal["real", "simulated"]
    file: str
    columns: EventColumns
    time: Literal["seconds", "milliseconds", "microseconds", "nanoseconds", "text"]
    time_format: str = "%Y-%m-%d %H:%M:%S"
    report_delay_days: float | None = None


def decode_event_card(text: bytes, *, name: str) -> EventCard:
    """Parse the card of an event table.

    Raises
    ------
    ParameterError
        When a key is unknown, missing or of another type; the message names file and key.

    Examples
    --------
    >>> text = b'''
    ... {name: shop, title: A shop, kind: real, file: shop.csv, time: text, report_delay_days: 7,
    ...  columns: {time: ts, customer: card, terminal: shop, amount: eur, label: fraud}}'''
    >>> decode_event_card(text, name="shop.yaml").columns.customer
    'card'
    """
    try:
        card = decode_yaml(text, EventCard)
    except msgspec.MsgspecError as error:
        raise ParameterError(
            f"{name}: not a card of events: {error}; see docs/entities.md for the form"
        ) from error
    if (card.columns.reported_at is None) == (card.report_delay_days is None):
        raise ParameterError(
            f"{name}: expected either columns.reported_at or report_delay_days, so that it is "
            "known when a fraud was "
            "reported; give one of them"
        )
    delay = card.report_delay_days
    if delay is not None and not 0.0 <= delay <= LONGEST_DELAY_DAYS:
        raise ParameterError(
            f"{name}: expected report_delay_days from 0 to {LONGEST_DELAY_DAYS:g}, found {delay}; "
            "a fraud is known after its payment"
        )
    columns = [column for column in msgspec.structs.astuple(card.columns) if column is not None]
    doubled = sorted({column for column in columns if columns.count(column) > 1})
    if doubled:
        raise ParameterError(
            f"{name}: column {doubled[0]} has {columns.count(doubled[0])} roles; each role needs a "
            "column of its own"
        )
    return card


def to_stream(table: pl.DataFrame, card: EventCard) -> pl.DataFrame:
    """The table in the columns of the simulated stream, in order of time.

    Parameters
    ----------
    table
        Columns as text or typed.

    Returns
    -------
    polars.DataFrame
        ``transaction_id``, ``time`` (whole seconds from the midnight, UTC, of the Monday before the
        first event), ``customer_id`` and ``terminal_id`` (numbered from 0), ``amount_eur``,
        ``label``, ``scenario`` (genuine or fraud), ``reported_at`` (null for what nobody reported),
        and the table's own identities as text: ``customer``, ``terminal``, and ``payment`` where
        the card names one.

    Raises
    ------
    ContractError
        Naming file, column, rule, and the first row that breaks it.

    Examples
    --------
    >>> card = EventCard(
    ...     "t",
    ...     "T",
    ...     "real",
    ...     "t.csv",
    ...     EventColumns("ts", "c", "m", "a", "y"),
    ...     "seconds",
    ...     report_delay_days=1,
    ... )
    >>> to_stream(
    ...     pl.DataFrame(
    ...         {
    ...             "ts": ["1704067210", "1704067200"],
    ...             "c": ["x", "y"],
    ...             "m": ["p", "p"],
    ...             "a": ["1", "2"],
    ...             "y": ["1", "0"],
    ...         }
    ...     ),
    ...     card,
    ... ).select("time", "amount_eur", "reported_at").rows()
    [(0, 2.0, None), (10, 1.0, 86410)]
    """
    names = card.columns
    for name in (
        names.time,
        names.customer,
        names.terminal,
        names.amount,
        names.label,
        names.id,
        names.reported_at,
    ):
        if name is not None and name not in table.columns:
            raise ContractError(
                file=card.file,
                rule=f"column {name}",
                found=", ".join(table.columns[:20]),
                fix="name it in the card",
            )
    time = _seconds(table, names.time, card)
    amount = _amounts(table, names.amount, card.file)
    label = _checked(table, names.label, parse_labels(table[names.label]), LABEL, card.file)
    reported = _reported(table, time, label, card)
    customer, terminal = (
        _checked(table, name, parse_identities(table[name]), IDENTITY, card.file)
        for name in (names.customer, names.terminal)
    )
    origin = _monday(first_and_last_second(time)[0])
    columns = {
        "time": time - origin,
        "customer_id": _numbered(customer),
        "terminal_id": _numbered(terminal),
        "amount_eur": amount,
        "label": label.cast(pl.Int8),
        "scenario": pl.select(
            pl.when(label == 1).then(pl.lit("fraud")).otherwise(pl.lit("genuine"))
        ).to_series(),
        "reported_at": reported - origin,
        "customer": customer,
        "terminal": terminal,
    }
    if names.id is not None:
        payment = parse_identities(table[names.id])
        columns["payment"] = _checked(table, names.id, payment, IDENTITY, card.file)
        _check_unique(columns["payment"], names.id, card.file)
    ordered = pl.DataFrame(columns).sort("time", maintain_order=True)
    return ordered.with_row_index("transaction_id").cast({"transaction_id": pl.Int64})


def stream_origin(table: pl.DataFrame, card: EventCard) -> int:
    """Second 0 of the stream of a table, in seconds since 1970.

    Examples
    --------
    >>> card = EventCard(
    ...     "t",
    ...     "T",
    ...     "real",
    ...     "t.csv",
    ...     EventColumns("ts", "c", "m", "a", "y"),
    ...     "seconds",
    ...     report_delay_days=1,
    ... )
    >>> stream_origin(pl.DataFrame({"ts": ["1704067210"]}), card)
    1704067200
    """
    return _monday(first_and_last_second(_seconds(table, card.columns.time, card))[0])


def _seconds(
    table: pl.DataFrame, name: str, card: EventCard, *, nullable: bool = False
) -> pl.Series:
    """A column of times as whole seconds since 1970."""
    column = table[name]
    if card.time != "text" and column.dtype.is_temporal():
        raise ContractError(
            file=card.file,
            rule=f"column {name}: {card.time} since 1970 as numbers",
            found=f"times of type {str(column.dtype).lower()}",
            fix="write `time: text` in the card; typed times need no unit",
        )
    rule = f"a time like {card.time_format}" if card.time == "text" else f"{card.time} since 1970"
    first, last = PLAUSIBLE_YEARS
    rule += f" between the years {first} and {last}"
    parsed = parse_times(column, card.time, card.time_format)
    seconds = _checked(table, name, parsed, rule, card.file, nullable=nullable)
    return seconds.floor().cast(pl.Int64)


def _amounts(table: pl.DataFrame, name: str, file: str) -> pl.Series:
    parsed = parse_floats(table[name])
    outside = ~parsed.values.is_between(0.0, LARGEST_AMOUNT)
    kept = pl.select(pl.when(~outside).then(parsed.values)).to_series()
    rule = f"an amount from 0 to {LARGEST_AMOUNT:g}"
    return _checked(table, name, Parsed(kept, parsed.broken | outside.fill_null(False)), rule, file)


def _checked(
    table: pl.DataFrame, name: str, parsed: Parsed, rule: str, file: str, *, nullable: bool = False
) -> pl.Series:
    """The values of a column; the first that is missing, or of another kind, is refused."""
    wrong = parsed.broken if nullable else parsed.values.is_null()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise ContractError(
            file=file,
            rule=f"column {name}: {rule} in every row",
            found=f"{table[name][row]!r} in row {row + 1}",
            fix="correct or drop the row, or correct the card",
        )
    return parsed.values


def _numbered(identity: pl.Series) -> pl.Series:
    """Identities as numbers from 0, in their order as text."""
    return (identity.rank("dense") - 1).cast(pl.Int64)


def _reported(table: pl.DataFrame, time: pl.Series, label: pl.Series, card: EventCard) -> pl.Series:
    """When each fraud was reported, null for what is not fraud; seconds since 1970."""
    name, fraud = card.columns.reported_at, label == 1
    if name is None:
        if card.report_delay_days is None:
            raise ParameterError(f"{card.name}: expected columns.reported_at or report_delay_days")
        when = time + round(card.report_delay_days * DAY_SECONDS)
    else:
        when = _seconds(table, name, card, nullable=True)
        early = (fraud & (when < time)).fill_null(False)
        if early.any():
            row = int(early.to_numpy().argmax())
            raise ContractError(
                file=card.file,
                rule=f"column {name}: a report after the payment",
                found=f"row {row + 1} is earlier",
                fix="correct or drop the row",
            )
    return pl.select(pl.when(fraud).then(when)).to_series()


def _check_unique(identities: pl.Series, name: str, file: str) -> None:
    doubled = identities.is_duplicated()
    if doubled.any():
        row = int(doubled.to_numpy().argmax())
        raise ContractError(
            file=file,
            rule=f"column {name}: each identity once",
            found=f"{identities[row]!r} again (row {row + 1})",
            fix="drop the repeated events",
        )


def _monday(seconds: int) -> int:
    """Midnight of the Monday on or before a moment, seconds since 1970, UTC."""
    day = seconds // DAY_SECONDS
    return (day - (day + EPOCH_WEEKDAY) % 7) * DAY_SECONDS
