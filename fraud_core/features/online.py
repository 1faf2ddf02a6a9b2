"""The features of one payment at a time, by the same code that makes them for a whole table.

A history looks back over the longest window and the delay of labels; older
events are evicted.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fraud_core.errors import ParameterError
from fraud_core.features.history import (
    EMPTY,
    EntityHistory,
    Event,
    append_event,
    payment_features,
    report,
)
from fraud_core.features.offline import first_and_last_second
from fraud_core.features.windows import feature_lookback_seconds


@dataclass
class FeatureState:
    """What must be remembered to answer for the next payment.

    Parameters
    ----------
    windows_days, label_delay_days
        As of `add_features`.

    Examples
    --------
    >>> state = FeatureState(windows_days=(1,))
    >>> state.add(Event(0, 100, 1, 5, 20.0))
    True
    >>> state.features(Event(1, 200, 1, 5, 30.0))["customer_mean_amount_1d"]
    20.0
    """

    windows_days: Sequence[int] = (1, 7, 30)
    label_delay_days: int = 7
    _customers: dict[int | str, EntityHistory] = field(default_factory=dict)
    _terminals: dict[int | str, EntityHistory] = field(default_factory=dict)
    _events: dict[int | str, Event] = field(default_factory=dict)
    _arrived: deque[int | str] = field(default_factory=deque)
    _latest: int = 0

    @property
    def lookback_seconds(self) -> int:
        """How far back an event can matter."""
        return feature_lookback_seconds(self.windows_days, self.label_delay_days)

    def add(self, event: Event) -> bool:
        """Remember a payment; returns False for one that is
        known already. Events may come late and out of order.

        Raises
        ------
        ParameterError
            When the identity belongs to another payment, or the event is older than anything that
            could still matter.
        """
        known = self._events.get(event.transaction_id)
        if known is not None:
            if known != event:
                raise ParameterError(
                    f"transaction_id {event.transaction_id}: expected an identity of its own, "
                    "another payment has it; "
                    "send each payment under one identity"
                )
            return False
        if event.time < self._latest - self.lookback_seconds:
            raise ParameterError(
                f"time {event.time}: expected at most {self.lookback_seconds} seconds before the "
                "newest event "
                f"({self._latest}); load older events as a table"
            )
        for histories, entity in (
            (self._customers, event.customer_id),
            (self._terminals, event.terminal_id),
        ):
            histories[entity] = append_event(
                histories.get(entity, EMPTY), event, self.lookback_seconds
            )
        self._events[event.transaction_id] = event
        self._arrived.append(event.transaction_id)
        self._latest = max(self._latest, event.time)
        self._evict()
        return True

    def report(self, transaction_id: int | str, reported_at: int) -> bool:
        """Remember that a payment was reported as fraud;
        returns False when it was evicted and no longer matters.

        Raises
        ------
        ParameterError
            When the report is earlier than the payment.
        """
        event = self._events.get(transaction_id)
        if event is None:
            return False
        history = self._terminals[event.terminal_id]
        self._terminals[event.terminal_id] = report(history, transaction_id, reported_at)
        return True

    def features(self, event: Event) -> dict[str, float]:
        """The features of a payment from what is known before
        it; an entity that was never seen has counts of zero.
        """
        customer = self._customers.get(event.customer_id, EMPTY)
        terminal = self._terminals.get(event.terminal_id, EMPTY)
        return payment_features(
            customer,
            terminal,
            event,
            windows_days=self.windows_days,
            label_delay_days=self.label_delay_days,
        )

    def __len__(self) -> int:
        return len(self._events)

    def _evict(self) -> None:
        """Evict events that no window can reach, and of entities that have no others."""
        while self._events[self._arrived[0]].time < self._latest - self.lookback_seconds:
            event = self._events.pop(self._arrived.popleft())
            for histories, entity in (
                (self._customers, event.customer_id),
                (self._terminals, event.terminal_id),
            ):
                latest = histories[entity].latest if entity in histories else None
                if latest is not None and latest < self._latest - self.lookback_seconds:
                    del histories[entity]


def replay(events: pl.DataFrame, state: FeatureState, *, last: int) -> pl.DataFrame:
    """The features of the last events of a stream, each
    made when it arrived, with reports coming in between.

    Parameters
    ----------
    events
        In order of time, with the columns of `simulate_stream`.
    last
        Number of events that are answered; those before them are only remembered, as far back as
        they matter.

    Returns
    -------
    polars.DataFrame
        ``transaction_id`` and the features, NaN where nothing is known, shape (last, ...).
    """
    recent = events.filter(
        pl.col("time")
        >= first_and_last_second(events["time"].tail(last))[0] - state.lookback_seconds
    )
    rows = recent.select(
        "transaction_id", "time", "customer_id", "terminal_id", "amount_eur"
    ).rows()
    reports = recent.filter(pl.col("reported_at").is_not_null()).sort("reported_at")
    waiting = deque(reports.select("reported_at", "transaction_id").rows())
    answered = []
    for number, row in enumerate(rows):
        event = Event(*row)
        while waiting and waiting[0][0] < event.time:
            reported_at, transaction = waiting.popleft()
            state.report(transaction, reported_at)
        if number >= len(rows) - last:
            answered.append({"transaction_id": event.transaction_id} | state.features(event))
        state.add(event)
    return pl.DataFrame(answered, infer_schema_length=None)


def count_skewed_values(offline: pl.DataFrame, online: pl.DataFrame) -> int:
    """Training–serving skew: number of values that differ between a table and
    the answers, of the payments that were answered.

    Parameters
    ----------
    offline
        From `add_features`: null where nothing is known.
    online
        From `replay`: NaN there. Nothing equals nothing alone.
    """
    names = [name for name in online.columns if name != "transaction_id"]
    table = online.select("transaction_id").join(
        offline, on="transaction_id", how="left", maintain_order="left"
    )
    expected = table.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    return int(
        (
            ~np.isclose(expected, online.select(names).to_numpy(), rtol=0, atol=0, equal_nan=True)
        ).sum()
    )
