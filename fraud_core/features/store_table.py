"""The histories of all customers or terminals of a table: what a feature store is filled with."""

import polars as pl

from fraud_core.features.offline import first_and_last_second
from fraud_core.features.store_rows import PARTS, Kind


def history_rows(
    events: pl.DataFrame, kind: Kind, *, origin: int, lookback_seconds: int
) -> pl.DataFrame:
    """One row for each customer or terminal that paid or
    was paid within the horizon before the last event.

    Parameters
    ----------
    events
        Columns of `simulate_stream` or `to_stream`; identities as text where the table has them.
    origin
        Second 0 of the events, in seconds since 1970.
    lookback_seconds
        How far back a payment can matter.

    Returns
    -------
    polars.DataFrame
        ``customer_id`` or ``terminal_id`` as text, ``event_timestamp`` (UTC, of its newest
        payment), and lists that begin with the kind's name: ``..._ids``, ``..._times`` (seconds
        since 1970), ``..._cents``, and of those that were reported as fraud ``..._reported_ids``
        and ``..._reported_times``.

    Examples
    --------
    >>> events = pl.DataFrame(
    ...     {
    ...         "transaction_id": [0, 1],
    ...         "time": [0, 60],
    ...         "customer_id": [7, 7],
    ...         "terminal_id": [1, 2],
    ...         "amount_eur": [1.0, 2.0],
    ...         "label": [0, 1],
    ...         "reported_at": [None, 90],
    ...     }
    ... )
    >>> history_rows(events, "customer", origin=0, lookback_seconds=3600)[
    ...     "customer_reported_times"
    ... ].to_list()
    [[90]]
    """
    entity = pl.col(kind if kind in events.columns else f"{kind}_id").cast(pl.String)
    payment = pl.col("payment" if "payment" in events.columns else "transaction_id").cast(pl.String)
    recent = events.filter(
        pl.col("time") >= first_and_last_second(events["time"])[1] - lookback_seconds
    )
    rows = recent.sort("time", maintain_order=True).select(
        entity.alias(f"{kind}_id"),
        payment.alias("ids"),
        (pl.col("time") + origin).alias("times"),
        (pl.col("amount_eur") * 100).round().cast(pl.Int64).alias("cents"),
        pl.when(pl.col("label") == 1)
        .then(pl.col("reported_at") + origin)
        .cast(pl.Int64)
        .alias("reported_times"),
    )
    is_reported = pl.col("reported_times").is_not_null()
    lists = [
        *(pl.col(part).alias(f"{kind}_{part}") for part in PARTS[:3]),
        pl.col("ids").filter(is_reported).alias(f"{kind}_reported_ids"),
        pl.col("reported_times").filter(is_reported).alias(f"{kind}_reported_times"),
    ]
    newest = (
        pl.from_epoch(pl.col("times").max(), time_unit="s")
        .dt.cast_time_unit("us")
        .dt.replace_time_zone("UTC")
    )
    return rows.group_by(f"{kind}_id", maintain_order=True).agg(
        newest.alias("event_timestamp"), *lists
    )
