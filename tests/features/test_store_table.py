import numpy as np
import polars as pl

from fraud_core.features.store_rows import MONDAY, history_of_row
from fraud_core.features.store_table import history_rows
from fraud_core.features.windows import DAY_SECONDS

HORIZON = 10 * DAY_SECONDS


def test_table_gives_one_row_for_each_entity_that_can_matter():
    events = pl.DataFrame(
        {
            "transaction_id": [0, 1, 2],
            "time": [0, HORIZON, HORIZON + 5],
            "customer_id": [1, 2, 2],
            "terminal_id": [7, 7, 8],
            "amount_eur": [1.0, 2.0, 3.0],
            "label": [1, 0, 1],
            "reported_at": [5, None, HORIZON + 9],
        }
    )
    found = history_rows(events, "customer", origin=MONDAY, lookback_seconds=HORIZON)
    assert found["customer_id"].to_list() == ["2"]
    history = history_of_row(found.row(0, named=True), "customer")
    assert history.ids == ("1", "2")
    assert history.time.tolist() == [HORIZON, HORIZON + 5]
    assert np.array_equal(history.reported, [np.nan, HORIZON + 9], equal_nan=True)


def test_identities_of_a_table_of_ones_own_are_kept():
    events = pl.DataFrame(
        {
            "transaction_id": [0],
            "time": [0],
            "customer_id": [0],
            "terminal_id": [0],
            "amount_eur": [1.0],
            "label": [0],
            "reported_at": [None],
            "customer": ["card-9"],
            "terminal": ["till-2"],
            "payment": ["b77"],
        }
    )
    found = history_rows(events, "terminal", origin=MONDAY, lookback_seconds=HORIZON).row(
        0, named=True
    )
    assert (found["terminal_id"], found["terminal_ids"]) == ("till-2", ["b77"])
