"""Which labels were known when: a fraud is a fraud from the day it is reported on, never before."""

import numpy as np
import polars as pl


def labels_as_of(events: pl.DataFrame, moment: int) -> pl.DataFrame:
    """The events before a moment with the labels that were known then.

    Parameters
    ----------
    events
        With ``time``, ``label`` and ``reported_at``, all in seconds of one clock.
    moment
        Seconds; an event or a report of that very second is not known yet.

    Returns
    -------
    polars.DataFrame
        The rows before the moment; ``label`` is 0 and ``reported_at`` null where a fraud was not
        reported by then.

    Examples
    --------
    >>> events = pl.DataFrame(
    ...     {"time": [0, 5, 20], "label": [1, 1, 0], "reported_at": [8, 30, None]}
    ... )
    >>> labels_as_of(events, 10)["label"].to_list()
    [1, 0]
    """
    known = pl.col("reported_at").is_not_null() & (pl.col("reported_at") < moment)
    return events.filter(pl.col("time") < moment).with_columns(
        label=pl.when(known).then("label").otherwise(0).cast(events.schema["label"]),
        reported_at=pl.when(known).then("reported_at"),
    )


def share_known(events: pl.DataFrame, ages_days: np.ndarray) -> np.ndarray:
    """Share of the frauds that were reported within so many days, shape (n_ages,).

    Examples
    --------
    >>> events = pl.DataFrame({"time": [0, 0], "label": [1, 1], "reported_at": [86_400, 864_000]})
    >>> share_known(events, np.array([0.5, 1, 20])).tolist()
    [0.0, 0.5, 1.0]
    """
    frauds = events.filter(pl.col("label") == 1)
    age = np.sort(((frauds["reported_at"] - frauds["time"]) / 86_400).drop_nulls().to_numpy())
    return np.searchsorted(age, ages_days, side="right") / max(frauds.height, 1)
