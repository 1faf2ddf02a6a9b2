"""What is remembered of one customer or one terminal, and the features of the next payment from it.

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
class Past:
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


NOTHING = Past((), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def remember(past: Past, event: Event, horizon_seconds: int) -> Past:
    """The past with one more payment, without those that
    no window can reach; itself when it knows the payment.

    Parameters
    ----------
    horizon_seconds
        How much older than the newest payment one may be.

    Raises
    ------
    ParameterError
        When the identity belongs to another payment, or the payment is older than anything that
        could still matter.

    Examples
    --------
    >>> past = remember(NOTHING, Event("a", 100, 1, 5, 20.0), 3600)
    >>> remember(past, Event("a", 100, 1, 5, 20.0), 3600) is past
    True
    """
    if event.transaction_id in past.ids:
        place = past.ids.index(event.transaction_id)
        if (past.time[place], past.cents[place]) != (event.time, event.cents):
            raise ParameterError(
                f"transaction_id {event.transaction_id}: expected an identity of its own, another "
                "payment has it; "
                "send each payment under one identity"
            )
        return past
    newest = max(event.time, past.latest or event.time)
    if event.time < newest - horizon_seconds:
        raise ParameterError(
            f"time {event.time}: expected at most {horizon_seconds} seconds before the newest "
            f"event ({newest}); "
            "load older events as a table"
        )
    kept = past.time >= newest - horizon_seconds
    ids = tuple(each for each, keep in zip(past.ids, kept, strict=True) if keep)
    return Past(
        (*ids, event.transaction_id),
        np.append(past.time[kept], event.time),
        np.append(past.cents[kept], event.cents),
        np.append(past.reported[kept], np.nan),
    )


def report(past: Past, transaction_id: int | str, reported_at: int | None) -> Past:
    """The past with a payment reported as fraud, or with
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
    >>> past = remember(NOTHING, Event("a", 100, 1, 5, 20.0), 3600)
    >>> report(past, "a", 160).reported.tolist()
    [160.0]
    """
    if transaction_id not in past.ids:
        return past
    place, reported = past.ids.index(transaction_id), past.reported.copy()
    if reported_at is None:
        reported[place] = np.nan
        return replace(past, reported=reported)
    if reported_at < past.time[place]:
        raise ParameterError(
            f"reported_at {reported_at}: expected a time after the payment's, {past.time[place]}"
        )
    reported[place] = np.fmin(reported[place], reported_at)
    return replace(past, reported=reported)


def payment_features(
    customer: Past,
    terminal: Past,
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
        `NOTHING` for one that was never seen; the payment itself may be among them and does not
        count.
    windows_days, label_delay_days
        As of `fraud_core.features.offline.add_features`.

    Examples
    --------
    >>> past = remember(NOTHING, Event("a", 100, 1, 5, 20.0), 3600)
    >>> made = payment_features(
    ...     past, NOTHING, Event("b", 200, 1, 6, 30.0), windows_days=[1], label_delay_days=7
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


def _with(past: Past, event: Event) -> History:
    """An entity's past and the payment that looks back on
    it, which comes last; one of its own second is not past.
    """
    entity = np.zeros(len(past.ids) + 1, np.int8)
    return History(entity, np.append(past.time, event.time), np.append(past.cents, event.cents))
