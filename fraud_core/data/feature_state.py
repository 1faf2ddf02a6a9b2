"""The features of one payment at a time, by the same code that makes them for a whole table.

What is kept of each entity reaches as far back as the longest window and the delay of labels; older events are let go.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from fraud_core.data.features import DAY_SECONDS, add_features
from fraud_core.errors import ParameterError

SCHEMA = {
    "transaction_id": pl.Int64, "time": pl.Int64, "customer_id": pl.Int64, "terminal_id": pl.Int64,
    "amount_eur": pl.Float64, "label": pl.Int8, "reported_at": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One payment as it arrives: whole seconds, euros."""

    transaction_id: int
    time: int
    customer_id: int
    terminal_id: int
    amount_eur: float


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
    _events: dict[int, Event] = field(default_factory=dict)
    _reports: dict[int, int] = field(default_factory=dict)
    _by_customer: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _by_terminal: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _arrived: deque[int] = field(default_factory=deque)
    _latest: int = 0

    @property
    def horizon_seconds(self) -> int:
        """How far back an event can matter."""
        return (max(self.windows_days) + self.label_delay_days) * DAY_SECONDS

    def add(self, event: Event) -> bool:
        """Remember a payment; returns False for one that is known already. Events may come late and out of order.

        Raises
        ------
        ParameterError
            When the identity belongs to another payment, or the event is older than anything that could still matter.
        """
        known = self._events.get(event.transaction_id)
        if known is not None:
            if known != event:
                raise ParameterError(
                    f"transaction_id {event.transaction_id}: expected an identity of its own, another payment has it; "
                    "send each payment under one identity"
                )
            return False
        if event.time < self._latest - self.horizon_seconds:
            raise ParameterError(
                f"time {event.time}: expected at most {self.horizon_seconds} seconds before the newest event "
                f"({self._latest}); load older events as a table"
            )
        self._events[event.transaction_id] = event
        self._by_customer[event.customer_id].add(event.transaction_id)
        self._by_terminal[event.terminal_id].add(event.transaction_id)
        self._arrived.append(event.transaction_id)
        self._latest = max(self._latest, event.time)
        self._forget()
        return True

    def report(self, transaction_id: int, reported_at: int) -> bool:
        """Remember that a payment was reported as fraud; returns False when it was let go and no longer matters.

        Raises
        ------
        ParameterError
            When the report is earlier than the payment.
        """
        event = self._events.get(transaction_id)
        if event is None:
            return False
        if reported_at < event.time:
            raise ParameterError(f"reported_at {reported_at}: expected a time after the payment's, {event.time}")
        self._reports[transaction_id] = min(reported_at, self._reports.get(transaction_id, reported_at))
        return True

    def features(self, event: Event) -> dict[str, float | int | None]:
        """The features of a payment from what is known before it; an entity that was never seen has counts of zero."""
        past = self._by_customer.get(event.customer_id, set()) | self._by_terminal.get(event.terminal_id, set())
        rows = [self._row(self._events[each]) for each in sorted(past) if each != event.transaction_id]
        table = pl.DataFrame([*rows, self._row(event)], schema=SCHEMA, orient="row")
        made = add_features(table, windows_days=self.windows_days, label_delay_days=self.label_delay_days)
        return made.drop(SCHEMA).row(-1, named=True)

    def __len__(self) -> int:
        return len(self._events)

    def _row(self, event: Event) -> tuple:
        reported = self._reports.get(event.transaction_id)
        return (
            event.transaction_id, event.time, event.customer_id, event.terminal_id, event.amount_eur,
            int(reported is not None), reported,
        )  # fmt: skip

    def _forget(self) -> None:
        """Let go of events that no window can reach, in the order in which they came."""
        while self._arrived:
            event = self._events[self._arrived[0]]
            if event.time >= self._latest - self.horizon_seconds:
                return
            self._arrived.popleft()
            del self._events[event.transaction_id]
            self._reports.pop(event.transaction_id, None)
            for places, entity in ((self._by_customer, event.customer_id), (self._by_terminal, event.terminal_id)):
                places[entity].discard(event.transaction_id)
                if not places[entity]:
                    del places[entity]


def replay(events: pl.DataFrame, state: FeatureState, *, last: int) -> pl.DataFrame:
    """The features of the last events of a stream, each made when it arrived, with reports coming in between.

    Parameters
    ----------
    events
        In order of time, with the columns of `simulate_stream`.
    last
        Number of events that are answered; those before them are only remembered.

    Returns
    -------
    polars.DataFrame
        ``transaction_id`` and the features, shape (last, ...).
    """
    rows = events.select("transaction_id", "time", "customer_id", "terminal_id", "amount_eur").rows()
    reports = events.filter(pl.col("reported_at").is_not_null()).sort("reported_at")
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


def count_mismatches(offline: pl.DataFrame, online: pl.DataFrame) -> int:
    """Number of figures that differ between the two, of the payments that were answered; null equals null alone."""
    names = [name for name in online.columns if name != "transaction_id"]
    both = online.join(offline, on="transaction_id", how="left", suffix="_offline", maintain_order="left")
    return int(sum((~both[name].eq_missing(both[f"{name}_offline"])).sum() for name in names))
