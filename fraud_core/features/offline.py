"""What is known of customer and terminal when a payment
arrives: counts, mean amounts and risk over windows of days.

Strictly point-in-time: a payment sees payments of an earlier second alone, and frauds that were
reported before it. Amounts are summed in whole cents, so that the figures are the same to the bit
however they are added up.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from fraud_core.errors import ParameterError
from fraud_core.features.windows import (
    DAY_SECONDS,
    NULLABLE,
    History,
    calendar_features,
    customer_features,
    terminal_features,
)

__all__ = ["DAY_SECONDS", "add_features", "check_events", "first_and_last_second"]
COLUMNS = ("time", "customer_id", "terminal_id", "amount_eur", "label", "reported_at")
# About so many events are worked on at a time: their arrays stay in the caches of a core, so cost
# grows as rows do.
BLOCK_EVENTS = 1 << 14


def add_features(
    events: pl.DataFrame,
    *,
    windows_days: Sequence[int] = (1, 7, 30),
    label_delay_days: int = 7,
) -> pl.DataFrame:
    """The events with their features, rows as they came.

    Parameters
    ----------
    events
        In any order: ``time`` (whole seconds; day 0 is a Monday), ``customer_id``, ``terminal_id``,
        ``amount_eur``, ``label`` (1 is fraud), ``reported_at`` (seconds, null for what nobody
        reported).
    windows_days
        Lengths of the windows.
    label_delay_days
        The windows of a terminal's risk end so many days before the payment, when most labels have
        come.

    Returns
    -------
    polars.DataFrame
        With ``customer_count_Nd``, ``customer_mean_amount_Nd`` (euros, null without a payment),
        ``terminal_count_Nd``, ``terminal_risk_Nd`` (share of the delayed window's payments known to
        be fraud, null without a payment), ``seconds_since_last`` (of the customer, null beyond the
        longest window and the delay), ``night``, ``weekend``.

    Raises
    ------
    ParameterError
        When a column is missing or holds a null where none may be.

    Examples
    --------
    >>> events = pl.DataFrame(
    ...     {
    ...         "time": [0, 10, 20],
    ...         "customer_id": [1, 1, 2],
    ...         "terminal_id": [5, 5, 5],
    ...         "amount_eur": [10.0, 20.0, 5.0],
    ...         "label": [0, 0, 0],
    ...         "reported_at": [None, None, None],
    ...     }
    ... )
    >>> add_features(events, windows_days=(1,))["customer_count_1d"].to_list()
    [0, 1, 0]
    """
    check_events(events)
    time = events["time"].cast(pl.Int64).to_numpy()
    cents = (events["amount_eur"] * 100).round().cast(pl.Int64).to_numpy()
    fraud = pl.when(pl.col("label") == 1).then(pl.col("reported_at").cast(pl.Float64))
    reported = events.select(fraud.fill_null(float("nan"))).to_series().to_numpy()

    def of_customers(rows: np.ndarray, customer: np.ndarray) -> dict[str, np.ndarray]:
        return customer_features(
            History(customer, time[rows], cents[rows]), windows_days, label_delay_days
        )

    def of_terminals(rows: np.ndarray, terminal: np.ndarray) -> dict[str, np.ndarray]:
        history = History(terminal, time[rows], cents[rows])
        return terminal_features(history, reported[rows], windows_days, label_delay_days)

    added = _by_entity(events["customer_id"], of_customers) | _by_entity(
        events["terminal_id"], of_terminals
    )
    added |= calendar_features(time)
    return events.with_columns(**{name: _series(name, values) for name, values in added.items()})


def _by_entity(
    identity: pl.Series, features: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What `features` makes of the rows and the
    entities of one block after another, for all rows.
    """
    added: dict[str, np.ndarray] = {}
    for rows, entity in _blocks(identity):
        made = features(rows, entity)
        added = added or {
            name: np.empty(len(identity), values.dtype) for name, values in made.items()
        }
        for name, values in made.items():
            added[name][rows] = values
    return added


def _blocks(identity: pl.Series) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places and entity numbers of about `BLOCK_EVENTS`
    events at a time, never some of an entity's events alone.
    """
    places = pl.DataFrame({"entity": identity, "place": np.arange(len(identity))})
    of_entity = places.group_by("entity").agg("place")["place"]
    rows, lengths = (
        of_entity.explode(empty_as_null=False).to_numpy(),
        of_entity.list.len().to_numpy(),
    )
    entity, ends = np.repeat(np.arange(len(lengths)), lengths), np.cumsum(lengths)
    cuts = np.unique(ends[np.searchsorted(ends, np.arange(BLOCK_EVENTS, len(rows), BLOCK_EVENTS))])
    return zip(np.split(rows, cuts), np.split(entity, cuts), strict=True)


def _series(name: str, values: np.ndarray) -> pl.Series:
    """A feature as a column, null where it says nothing."""
    if not name.startswith(NULLABLE):
        return pl.Series(values)
    column = pl.Series(values).fill_nan(None)
    return column.cast(pl.Int64) if name == "seconds_since_last" else column


def check_events(events: pl.DataFrame) -> None:
    """Refuse a table without the columns of events, or with nulls in them.

    Raises
    ------
    ParameterError
        Naming the column.
    """
    for name in COLUMNS:
        if name not in events.columns:
            raise ParameterError(
                f"{name}: expected this column, found {', '.join(events.columns[:20])}; name it "
                "in the card"
            )
        if name != "reported_at" and events[name].null_count():
            raise ParameterError(
                f"{name}: expected a value in every row, {events[name].null_count()} are null; "
                "drop those rows"
            )


def first_and_last_second(time: pl.Series) -> tuple[int, int]:
    """The earliest and the latest time of a column, seconds; zeros when it is empty.

    Examples
    --------
    >>> first_and_last_second(pl.Series([30, 10, 20]))
    (10, 30)
    """
    if time.is_empty():
        return 0, 0
    values = time.drop_nulls().to_numpy()
    return int(values.min()), int(values.max())
