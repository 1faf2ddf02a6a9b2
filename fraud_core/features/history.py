"""Entity history: the payments of one customer or terminal within the lookback, and the features
of the next payment from them.

Plain arrays and pure functions: a process keeps them in memory, a feature store keeps them as rows,
and both give the features by the code that gives them for a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fraud_core.errors import ParameterError
from fraud_core.features.windows import (
    History,
    calendar_features,
    customer_features,
    terminal_features,
)


@dataclass(frozen=True)
class Event:
    """One payment as it arrives: whole seconds from the midnight of a Monday, euros."""

    transaction_id: int | str
    time: int
    customer_id: int | str
    terminal_id: int | str
    amount_eur: float

    @property
    def cents(self) -> int:
        """The amount in whole cents."""
        return round(self.amount_eur * 100)


@dataclass(frozen=True)
class EntityHistory:
    """The remembered payments of one entity in the order in which they came.

    Attributes
    ----------
    ids
        Identity of each payment.
    time, cents
        Shape (n_payments,), whole seconds and cents.
    reported
        Shape (n_payments,), when each was reported as fraud, seconds; NaN for never.
    """

    ids: tuple[int | str, ...]
    time: np.ndarray
    cents: np.ndarray
    reported: np.ndarray

    @property
    def latest(self) -> int | None:
        """Time of the newest payment, None without one."""
        return int(self.time.max()) if self.ids else None


EMPTY = EntityHistory((), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def append_event(history: EntityHistory, event: Event, lookback_seconds: int) -> EntityHistory:
    """The history with one more payment, without those that
    no window can reach; itself when it knows the payment.

    Parameters
    ----------
    lookback_seconds
        How much older than the newest payment one may be.

    Raises
    ------
    ParameterError
        When the identity belongs to another payment, or the payment is older than anything that
        could still matter.

    Examples
    --------
    >>> history = append_event(EMPTY, Event("a", 100, 1, 5, 20.0), 3600)
    >>> append_event(history, Event("a", 100, 1, 5, 20.0), 3600) is history
    True
    """
    if event.transaction_id in history.ids:
        place = history.ids.index(event.transaction_id)
        if (history.time[place], history.cents[place]) != (event.time, event.cents):
            raise ParameterError(
                f"transaction_id {event.transaction_id}: expected an identity of its own, another "
                "payment has it; "
                "send each payment under one identity"
            )
        return history
    newest = max(event.time, history.latest or event.time)
    if event.time < newest - lookback_seconds:
        raise ParameterError(
            f"time {event.time}: expected at most {lookback_seconds} seconds before the newest "
            f"event ({newest}); "
            "load older events as a table"
        )
    kept = history.time >= newest - lookback_seconds
    ids = tuple(one for one, keep in zip(history.ids, kept, strict=True) if keep)
    return EntityHistory(
        (*ids, event.transaction_id),
        np.append(history.time[kept], event.time),
        np.append(history.cents[kept], event.cents),
        np.append(history.reported[kept], np.nan),
    )


def report(
    history: EntityHistory, transaction_id: int | str, reported_at: int | None
) -> EntityHistory:
    """The history with a payment reported as fraud, or with
    its report taken back; itself when it is not remembered.

    Parameters
    ----------
    reported_at
        Seconds; the earliest of several reports counts. None takes the report back.

    Raises
    ------
    ParameterError
        When the report is earlier than the payment.

    Examples
    --------
    >>> history = append_event(EMPTY, Event("a", 100, 1, 5, 20.0), 3600)
    >>> report(history, "a", 160).reported.tolist()
    [160.0]
    """
    if transaction_id not in history.ids:
        return history
    place, reported = history.ids.index(transaction_id), history.reported.copy()
    if reported_at is None:
        reported[place] = np.nan
        return replace(history, reported=reported)
    if reported_at < history.time[place]:
        raise ParameterError(
            f"reported_at {reported_at}: expected a time after the payment's, {history.time[place]}"
        )
    reported[place] = np.fmin(reported[place], reported_at)
    return replace(history, reported=reported)


def payment_features(
    customer: EntityHistory,
    terminal: EntityHistory,
    event: Event,
    *,
    windows_days: Sequence[int],
    label_delay_days: int,
) -> dict[str, float]:
    """The features of a payment from what is known before
    it, by the code of the table; NaN where nothing is known.

    Parameters
    ----------
    customer, terminal
        `EMPTY` for one that was never seen; the payment itself may be among them and does not
        count.
    windows_days, label_delay_days
        As of `fraud_core.features.offline.add_features`.

    Examples
    --------
    >>> history = append_event(EMPTY, Event("a", 100, 1, 5, 20.0), 3600)
    >>> made = payment_features(
    ...     history, EMPTY, Event("b", 200, 1, 6, 30.0), windows_days=[1], label_delay_days=7
    ... )
    >>> made["customer_mean_amount_1d"], made["terminal_count_1d"]
    (20.0, 0.0)
    """
    of_customer = customer_features(_with(customer, event), windows_days, label_delay_days)
    reported = np.append(terminal.reported, np.nan)
    of_terminal = terminal_features(
        _with(terminal, event), reported, windows_days, label_delay_days
    )
    made = of_customer | of_terminal | calendar_features(np.array([event.time]))
    return {name: float(values[-1]) for name, values in made.items()}


def _with(history: EntityHistory, event: Event) -> History:
    """An entity's history and the payment that looks back on
    it, which comes last; one of its own second is not past.
    """
    entity = np.zeros(len(history.ids) + 1, np.int8)
    return History(
        entity, np.append(history.time, event.time), np.append(history.cents, event.cents)
    )
