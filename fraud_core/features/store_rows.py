"""The history of one customer or terminal as a row of a
feature store, in lists that hold no missing value.

Times in a row are seconds since 1970, as other clocks have them; a `Past` counts from the midnight
of a Monday.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from fraud_core.features.history import EntityHistory
from fraud_core.features.windows import DAY_SECONDS

# 5 January 1970 was a Monday: times that count from it keep days of the week and hours of the day.
MONDAY = 4 * DAY_SECONDS
Kind = Literal["customer", "terminal"]
KINDS: tuple[Kind, ...] = ("customer", "terminal")
PARTS = ("ids", "times", "cents", "reported_ids", "reported_times")


def history_of_row(row: Mapping[str, Any], kind: Kind) -> EntityHistory:
    """The history that a row holds.

    Examples
    --------
    >>> row = {
    ...     "ids": ["a"],
    ...     "times": [MONDAY + 5],
    ...     "cents": [100],
    ...     "reported_ids": [],
    ...     "reported_times": [],
    ... }
    >>> history_of_row(
    ...     {f"customer_{part}": value for part, value in row.items()}, "customer"
    ... ).time.tolist()
    [5]
    """
    ids, times, cents, reported_ids, reported_times = (
        row[f"{kind}_{part}"] or () for part in PARTS
    )
    when = dict(zip(reported_ids, reported_times, strict=True))
    reported = np.array([when[one] - MONDAY if one in when else np.nan for one in ids], float)
    return EntityHistory(
        tuple(ids), np.array(times, np.int64) - MONDAY, np.array(cents, np.int64), reported
    )


def row_of_history(history: EntityHistory, kind: Kind, entity: str) -> dict[str, Any]:
    """The row that holds a history, without its timestamp.

    Examples
    --------
    >>> from fraud_core.features.history import EMPTY
    >>> row = row_of_history(EMPTY, "customer", "c")
    >>> row["customer_id"], row["customer_ids"]
    ('c', [])
    """
    reported = np.flatnonzero(np.isfinite(history.reported))
    values: Sequence[list] = (
        list(history.ids),
        (history.time + MONDAY).tolist(),
        history.cents.tolist(),
        [history.ids[k] for k in reported],
        (history.reported[reported].astype(np.int64) + MONDAY).tolist(),
    )
    return {f"{kind}_id": entity} | {
        f"{kind}_{part}": value for part, value in zip(PARTS, values, strict=True)
    }
