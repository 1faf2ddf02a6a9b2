"""Payments and reports that join histories, in a store that is a dictionary."""

import numpy as np
import pytest

from fraud_core.features.history import EMPTY, Event
from serve.features.take_over import Report, take_over

DAY = 86_400


class StoreInMemory:
    """A feature store in memory, and the entities of each push."""

    ttl_seconds = 10 * DAY

    def __init__(self):
        self.histories = {"customer": {}, "terminal": {}}
        self.pushed = []

    def read_kind(self, kind, entities):
        return {entity: self.histories[kind].get(entity, EMPTY) for entity in entities}

    def push(self, kind, histories):
        self.histories[kind].update(histories)
        self.pushed.append((kind, sorted(histories)))


@pytest.fixture
def store():
    return StoreInMemory()


def payment(number, at, customer="c", terminal="m"):
    return Event(f"t{number}", at, customer, terminal, 5.0)


def test_payments_join_both_histories_and_a_second_time_changes_nothing(store):
    events = [payment(0, 100), payment(1, 200, customer="d")]
    assert take_over(store, events, []) == 0
    assert store.histories["customer"]["c"].ids == ("t0",)
    assert store.histories["customer"]["d"].ids == ("t1",)
    assert store.histories["terminal"]["m"].ids == ("t0", "t1")
    store.pushed.clear()
    assert take_over(store, events, []) == 0
    assert store.pushed == [("customer", []), ("terminal", [])]


def test_report_of_a_payment_that_was_not_taken_over_yet_brings_it_along(store):
    assert take_over(store, [], [Report(payment(0, 100), 500)]) == 0
    assert store.histories["terminal"]["m"].ids == ("t0",)
    assert store.histories["terminal"]["m"].reported.tolist() == [500.0]
    take_over(store, [], [Report(payment(0, 100), None)])
    assert np.isnan(store.histories["terminal"]["m"].reported).all()


def test_contradicting_event_is_named_and_the_others_are_taken_over(store, capsys):
    events = [payment(0, 100), payment(0, 101), payment(1, 102)]
    assert take_over(store, events, []) == 1
    assert store.histories["customer"]["c"].ids == ("t0", "t1")
    assert "transaction_id t0" in capsys.readouterr().err


def test_report_that_no_window_reaches_changes_nothing(store):
    take_over(store, [payment(0, 20 * DAY)], [])
    assert take_over(store, [], [Report(payment(9, DAY), 2 * DAY)]) == 0
    assert store.histories["customer"]["c"].ids == ("t0",)
