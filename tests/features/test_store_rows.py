import numpy as np

from fraud_core.features.history import EMPTY, Event, append_event, report
from fraud_core.features.store_rows import history_of_row, row_of_history
from fraud_core.features.windows import DAY_SECONDS

HORIZON = 10 * DAY_SECONDS


def history_of(*events):
    history = EMPTY
    for event in events:
        history = append_event(history, event, HORIZON)
    return history


def event(number, time, eur=10.0):
    return Event(f"t{number}", time, "c", "m", eur)


def test_a_row_gives_its_past_back():
    history = report(history_of(event(0, 5), event(1, 9)), "t1", 30)
    again = history_of_row(row_of_history(history, "customer", "c"), "customer")
    assert again.ids == history.ids
    assert np.array_equal(again.time, history.time)
    assert np.array_equal(again.cents, history.cents)
    assert np.array_equal(again.reported, history.reported, equal_nan=True)


def test_row_of_nothing_holds_nothing_and_missing_lists_are_nothing():
    row = row_of_history(EMPTY, "terminal", "m")
    assert row.pop("terminal_id") == "m"
    assert set(map(tuple, row.values())) == {()}
    assert history_of_row(dict.fromkeys(row), "terminal").ids == ()


def test_times_of_a_row_are_those_of_other_clocks():
    """1970 began on a Thursday, four days before the Monday that histories count from."""
    row = row_of_history(history_of(event(0, 60, 12.34)), "customer", "c")
    assert row["customer_times"] == [4 * 86_400 + 60]
    assert row["customer_cents"] == [1234]
    assert row["customer_reported_ids"] == row["customer_reported_times"] == []
