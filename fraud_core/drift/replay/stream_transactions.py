"""A featured stream of payments as arrays, and its labels as of any moment.

The stream that the study makes is simulated; whatever is shown of it says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fraud_core.features.offline import DAY_SECONDS, add_features

PAYMENT = ("amount_eur", "hour")
HISTORY = ("customer_count", "customer_mean_amount", "terminal_count", "terminal_risk")


@dataclass(frozen=True)
class StreamTransactions:
    """Payments in order of time.

    Attributes
    ----------
    names, features
        The columns, and shape (n, n_columns), float32; NaN where there was nothing to know.
    y_true
        Shape (n,), 1 for fraud.
    amount_eur, time
        Shape (n,), euros and seconds from the midnight of day 0.
    reported_at
        Shape (n,), seconds; infinite for what is never reported.
    """

    names: tuple[str, ...]
    features: np.ndarray
    y_true: np.ndarray
    amount_eur: np.ndarray
    time: np.ndarray
    reported_at: np.ndarray

    @property
    def day(self) -> np.ndarray:
        """Day of each row, whole numbers."""
        return (self.time // DAY_SECONDS).astype(np.int64)

    def labels_as_of(self, moment: float) -> np.ndarray:
        """As-of labels of a moment, shape (n,): a fraud
        counts once it was reported before the moment.
        """
        return (self.reported_at < moment).astype(np.int64)

    def labels_at_maturity(self, days: int) -> np.ndarray:
        """Labels at fixed maturity, shape (n,): as they were
        so many days after the end of the row's own day.
        """
        return (self.reported_at < (self.day + 1 + days) * DAY_SECONDS).astype(np.int64)


def to_stream(events: pl.DataFrame, *, windows_days: Sequence[int]) -> StreamTransactions:
    """Point-in-time features of events that are in order of time, as arrays.

    Parameters
    ----------
    events
        As of `fraud_core.features.offline.add_features`.
    windows_days
        Lengths of the windows of the features.

    Examples
    --------
    >>> from fraud_core.data.simulator import StreamSettings, simulate_stream
    >>> events = simulate_stream(
    ...     StreamSettings(n_customers=50, n_terminals=100, n_days=5, radius=20.0), seed=1
    ... )
    >>> to_stream(events, windows_days=(1,)).names[-2:]
    ('terminal_count_1d', 'terminal_risk_1d')
    """
    table = add_features(events, windows_days=windows_days).with_columns(
        hour=pl.col("time") % DAY_SECONDS / 3600
    )
    names = (
        *PAYMENT,
        "seconds_since_last",
        *(f"{name}_{days}d" for days in windows_days for name in HISTORY),
    )
    return StreamTransactions(
        names,
        table.select(pl.col(names).cast(pl.Float32).fill_null(np.nan)).to_numpy(),
        events["label"].to_numpy().astype(np.int64),
        events["amount_eur"].to_numpy().astype(np.float64),
        events["time"].to_numpy().astype(np.float64),
        events["reported_at"].cast(pl.Float64).fill_null(np.inf).to_numpy(),
    )


def suppress_chargebacks(
    events: pl.DataFrame, share: float, *, from_day: int, rng: np.random.Generator
) -> pl.DataFrame:
    """The events without the chargebacks of a share of the frauds from a day on; labels stay clean.

    Examples
    --------
    >>> events = pl.DataFrame({"time": [0, 90_000], "label": [1, 1], "reported_at": [10, 90_010]})
    >>> suppress_chargebacks(events, 1.0, from_day=1, rng=np.random.default_rng(0))[
    ...     "reported_at"
    ... ].to_list()
    [10, None]
    """
    frauds = np.flatnonzero(
        ((events["label"] == 1) & (events["time"] >= from_day * DAY_SECONDS)).to_numpy()
    )
    suppressed = np.zeros(events.height, bool)
    suppressed[rng.choice(frauds, round(share * len(frauds)), replace=False)] = True
    return events.with_columns(
        reported_at=pl.when(pl.Series(suppressed)).then(None).otherwise("reported_at")
    )


def on_days(rows: StreamTransactions, first: int, end: int) -> slice:
    """The rows from day `first` to before day `end`."""
    start, stop = np.searchsorted(rows.time, [first * DAY_SECONDS, end * DAY_SECONDS])
    return slice(int(start), int(stop))


def part_of(rows: StreamTransactions, part: slice) -> StreamTransactions:
    """A run of the rows."""
    arrays = ("features", "y_true", "amount_eur", "time", "reported_at")
    return replace(rows, **{name: getattr(rows, name)[part] for name in arrays})
