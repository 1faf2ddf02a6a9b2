"""Cards of event tables: any table with customer, terminal,
time, amount and label, in the columns of the stream.
"""

from collections.abc import Callable
from typing import Literal

import msgspec
import polars as pl

from fraud_core.errors import ContractError, ParameterError
from fraud_core.features.offline import DAY_SECONDS, first_and_last_second

EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0


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
        ``seconds`` or ``milliseconds`` since 1970, or ``text`` in UTC.
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
    time: Literal["seconds", "milliseconds", "text"]
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
        card = msgspec.yaml.decode(text, type=EventCard)
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
    ...             "ts": ["345610", "345600"],
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
    amount = _parsed(
        table,
        names.amount,
        pl.Float64,
        "an amount of at least 0",
        card.file,
        lambda values: values >= 0,
    )
    label = _parsed(
        table,
        names.label,
        pl.Int8,
        "0 or 1",
        card.file,
        lambda values: (values == 0) | (values == 1),
    )
    reported = _reported(table, time, label, card)
    origin = _monday(first_and_last_second(time)[0])
    columns = {
        "time": time - origin,
        "customer_id": _numbered(table, names.customer, card.file),
        "terminal_id": _numbered(table, names.terminal, card.file),
        "amount_eur": amount,
        "label": label,
        "scenario": pl.select(
            pl.when(label == 1).then(pl.lit("fraud")).otherwise(pl.lit("genuine"))
        ).to_series(),
        "reported_at": reported - origin,
        "customer": table[names.customer].cast(pl.String),
        "terminal": table[names.terminal].cast(pl.String),
    }
    if names.id is not None:
        _check_unique(table[names.id], names.id, card.file)
        columns["payment"] = table[names.id].cast(pl.String)
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
    >>> stream_origin(pl.DataFrame({"ts": ["345610"]}), card)
    345600
    """
    return _monday(first_and_last_second(_seconds(table, card.columns.time, card))[0])


def _seconds(
    table: pl.DataFrame, name: str, card: EventCard, *, nullable: bool = False
) -> pl.Series:
    """A column of times as whole seconds since 1970."""
    column = table[name]
    if card.time != "text":
        unit = 1000 if card.time == "milliseconds" else 1
        whole = _parsed(table, name, pl.Int64, f"whole {card.time}", card.file, nullable=nullable)
        return whole // unit
    if column.dtype == pl.String:
        column = column.replace("", None).str.to_datetime(
            card.time_format, strict=False, time_unit="ms"
        )
    elif not column.dtype.is_temporal():
        raise ContractError(
            file=card.file,
            rule=f"column {name}: times as text",
            found=str(column.dtype),
            fix="correct `time`",
        )
    _refuse_null(
        column, table[name], name, f"a time like {card.time_format}", card.file, nullable=nullable
    )
    return column.dt.epoch("s").cast(pl.Int64)


def _parsed(
    table: pl.DataFrame,
    name: str,
    dtype: type[pl.DataType],
    rule: str,
    file: str,
    allowed: Callable[[pl.Series], pl.Series] | None = None,
    *,
    nullable: bool = False,
) -> pl.Series:
    """A column as numbers; rows that are none, or not allowed, are refused."""
    raw = table[name].replace("", None) if table[name].dtype == pl.String else table[name]
    number = raw.cast(pl.Float64, strict=False)
    fits = number.is_finite()
    if dtype.is_integer():
        fits &= number == number.floor()
    if allowed is not None:
        fits &= allowed(number)
    kept = pl.select(pl.when(fits).then(number)).to_series()
    _refuse_null(kept, raw, name, rule, file, nullable=nullable)
    return kept.cast(dtype)


def _refuse_null(
    parsed: pl.Series, raw: pl.Series, name: str, rule: str, file: str, *, nullable: bool = False
) -> None:
    wrong = (
        parsed.is_null() & raw.is_not_null() & (raw.cast(pl.String) != "")
        if nullable
        else parsed.is_null()
    )
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise ContractError(
            file=file,
            rule=f"column {name}: {rule} in every row",
            found=f"{raw[row]!r} in row {row + 1}",
            fix="correct or drop the row",
        )


def _numbered(table: pl.DataFrame, name: str, file: str) -> pl.Series:
    """The identities of a column as numbers from 0, in their order as text."""
    _refuse_null(table[name], table[name], name, "an identity", file)
    return (table[name].cast(pl.String).rank("dense") - 1).cast(pl.Int64)


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
