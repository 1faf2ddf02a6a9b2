import numpy as np
import pytest
from hypothesis import given, strategies as st

from fraud_core.errors import ParameterError
from fraud_core.features.history import EMPTY, Event, append_event, payment_features, report
from fraud_core.features.windows import DAY_SECONDS

HORIZON = 10 * DAY_SECONDS
WINDOWS = {"windows_days": [1, 7], "label_delay_days": 2}


def history_of(*events):
    history = EMPTY
    for event in events:
        history = append_event(history, event, HORIZON)
    return history


def event(number, time, eur=10.0):
    return Event(f"t{number}", time, "c", "m", eur)


def test_features_by_hand():
    customer = history_of(event(0, 0, 10.0), event(1, 6 * DAY_SECONDS, 20.0))
    terminal = report(history_of(event(2, 3 * DAY_SECONDS)), "t2", 4 * DAY_SECONDS)
    made = payment_features(customer, terminal, event(9, 6 * DAY_SECONDS + 60), **WINDOWS)
    assert made["seconds_since_last"] == 60
    assert (made["customer_count_1d"], made["customer_count_7d"]) == (1, 2)
    assert made["customer_mean_amount_7d"] == 15.0
    assert made["terminal_risk_7d"] == 1.0
    assert np.isnan(made["terminal_risk_1d"])
    assert made["weekend"] == 1


def test_the_payment_itself_is_not_its_past():
    own = event(0, 500)
    made = payment_features(history_of(own), history_of(own), own, **WINDOWS)
    assert made["customer_count_1d"] == 0
    assert np.isnan(made["seconds_since_last"])


def test_events_that_no_window_reaches_are_let_go():
    history = history_of(event(0, 0), event(1, HORIZON + 1))
    assert history.ids == ("t1",)
    assert history.latest == HORIZON + 1


def test_an_event_older_than_what_is_remembered_is_refused():
    with pytest.raises(ParameterError, match="time 0: expected at most"):
        history_of(event(0, HORIZON + 1), event(1, 0))


def test_an_identity_stands_for_one_payment():
    history = history_of(event(0, 5))
    assert append_event(history, event(0, 5), HORIZON) is history
    with pytest.raises(ParameterError, match="transaction_id t0"):
        append_event(history, event(0, 6), HORIZON)


def test_the_earliest_report_counts_and_can_be_taken_back():
    history = report(report(history_of(event(0, 5)), "t0", 90), "t0", 60)
    assert history.reported.tolist() == [60.0]
    assert np.isnan(report(history, "t0", None).reported).all()
    assert report(history, "another", 60) is history
    with pytest.raises(ParameterError, match="reported_at 4"):
        report(history, "t0", 4)


@given(st.lists(st.integers(0, HORIZON), max_size=30, unique=True), st.randoms())
def test_order_of_arrival_changes_no_feature(times, chance):
    events = [event(k, time) for k, time in enumerate(times)]
    shuffled = list(events)
    chance.shuffle(shuffled)
    asked = Event("asked", HORIZON, "c", "m", 1.0)
    first, second = (
        payment_features(history_of(*each), history_of(*each), asked, **WINDOWS)
        for each in (events, shuffled)
    )
    assert np.array_equal(list(first.values()), list(second.values()), equal_nan=True)
