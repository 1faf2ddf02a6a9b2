"""What is known of customer and terminal when a payment arrives: counts, mean amounts and risk over windows of days.

Strictly point-in-time: a payment sees payments of an earlier second alone, and frauds that were reported before it.
Amounts are summed in whole cents, so that the figures are the same to the bit however they are added up.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from fraud_core.errors import ParameterError

DAY_SECONDS = 86_400
NIGHT_HOURS = 6
WEEKEND = (5, 6)
COLUMNS = ("time", "customer_id", "terminal_id", "amount_eur", "label", "reported_at")


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
        In any order: ``time`` (whole seconds; day 0 is a Monday), ``customer_id``, ``terminal_id``, ``amount_eur``,
        ``label`` (1 is fraud), ``reported_at`` (seconds, null for what nobody reported).
    windows_days
        Lengths of the windows.
    label_delay_days
        The windows of a terminal's risk end so many days before the payment, when most labels have come.

    Returns
    -------
    polars.DataFrame
        With ``customer_count_Nd``, ``customer_mean_amount_Nd`` (euros, null without a payment), ``terminal_count_Nd``,
        ``terminal_risk_Nd`` (share of the delayed window's payments known to be fraud, null without a payment),
        ``seconds_since_last`` (of the customer, null beyond the longest window and the delay), ``night``, ``weekend``.

    Raises
    ------
    ParameterError
        When a column is missing or holds a null where none may be.

    Examples
    --------
    >>> events = pl.DataFrame({"time": [0, 10, 20], "customer_id": [1, 1, 2], "terminal_id": [5, 5, 5],
    ...     "amount_eur": [10.0, 20.0, 5.0], "label": [0, 0, 0], "reported_at": [None, None, None]})
    >>> add_features(events, windows_days=(1,))["customer_count_1d"].to_list()
    [0, 1, 0]
    """
    check_events(events)
    time = events["time"].cast(pl.Int64).to_numpy()
    cents = (events["amount_eur"] * 100).round().cast(pl.Int64).to_numpy()
    customers = History(events["customer_id"].to_numpy(), time, cents)
    terminals = History(events["terminal_id"].to_numpy(), time, cents)
    fraud = (events["label"] == 1).to_numpy() & events["reported_at"].is_not_null().to_numpy()
    reported = events["reported_at"].fill_null(0).cast(pl.Int64).to_numpy()
    reach = (max(windows_days) + label_delay_days) * DAY_SECONDS
    added = {"seconds_since_last": customers.since_last(reach)}
    for days in windows_days:
        count, total = customers.window(0, days * DAY_SECONDS)
        added[f"customer_count_{days}d"] = pl.Series(count)
        added[f"customer_mean_amount_{days}d"] = _ratio(total / 100, count)
        added[f"terminal_count_{days}d"] = pl.Series(terminals.window(0, days * DAY_SECONDS)[0])
        delay = label_delay_days * DAY_SECONDS
        seen, _ = terminals.window(delay, days * DAY_SECONDS)
        added[f"terminal_risk_{days}d"] = _ratio(terminals.known(fraud, reported, delay, days * DAY_SECONDS), seen)
    day = time // DAY_SECONDS
    added["night"] = pl.Series(time % DAY_SECONDS < NIGHT_HOURS * 3600).cast(pl.Int8)
    added["weekend"] = pl.Series(np.isin(day % 7, WEEKEND)).cast(pl.Int8)
    return events.with_columns(**added)


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
                f"{name}: expected this column, found {', '.join(events.columns[:20])}; name it in the card"
            )
        if name != "reported_at" and events[name].null_count():
            raise ParameterError(
                f"{name}: expected a value in every row, {events[name].null_count()} are null; drop those rows"
            )


class History:
    """Events of one kind of entity, ordered by entity and time, so that a window is two searches.

    Parameters
    ----------
    entity, time, cents
        Of each event, shape (n_events,): identity, seconds, amount.
    """

    def __init__(self, entity: np.ndarray, time: np.ndarray, cents: np.ndarray) -> None:
        codes = np.unique(entity, return_inverse=True)[1].astype(np.int64)
        self._origin = int(time.min(initial=0))
        self._span = int(time.max(initial=0)) - self._origin + 1
        self._time, self._base = time - self._origin, codes * self._span
        self._order = np.argsort(self._base + self._time, kind="stable")
        self._key = (self._base + self._time)[self._order]
        self._total = np.concatenate([[0], np.cumsum(cents[self._order])])

    def _position(self, seconds_ago: int) -> np.ndarray:
        """For each event, the place of the first event of its entity that is less than so many seconds old."""
        return np.searchsorted(self._key, self._base + np.maximum(self._time - seconds_ago, 0), side="left")

    def window(self, delay: int, seconds: int) -> tuple[np.ndarray, np.ndarray]:
        """Count and cents of the events from ``delay + seconds`` to ``delay`` seconds ago, the end excluded."""
        first, last = self._position(delay + seconds), self._position(delay)
        return last - first, self._total[last] - self._total[first]

    def since_last(self, reach: int) -> pl.Series:
        """Seconds since the entity's last event of an earlier second, null when none is at most `reach` seconds old."""
        here = self._position(0)
        before = np.maximum(here - 1, 0)
        same = (here > 0) & (self._key[before] >= self._base)
        gap = self._base + self._time - self._key[before]
        return _or_null(gap, same & (gap <= reach))

    def known(self, fraud: np.ndarray, reported: np.ndarray, delay: int, seconds: int) -> np.ndarray:
        """Number of the events of `window` that are fraud and were reported before the event that looks back."""
        flagged = self._order[fraud[self._order]]
        key, when = (self._base + self._time)[flagged], reported[flagged] - self._origin
        first, last = (
            np.searchsorted(key, self._base + np.maximum(self._time - ago, 0), side="left")
            for ago in (delay + seconds, delay)
        )
        length = last - first
        row = np.repeat(np.arange(len(length)), length)
        start = np.cumsum(length) - length
        place = np.arange(len(row)) - np.repeat(start, length) + np.repeat(first, length)
        return np.bincount(row[when[place] < self._time[row]], minlength=len(length))


def _ratio(numerator: np.ndarray, count: np.ndarray) -> pl.Series:
    """Numerator over count, null where nothing was counted."""
    return _or_null(numerator / np.maximum(count, 1), count > 0)


def _or_null(values: np.ndarray, known: np.ndarray) -> pl.Series:
    """The values where they are known, null elsewhere."""
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()
