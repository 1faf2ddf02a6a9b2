from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.drift.replay.stream_transactions import (
    StreamTransactions,
    on_days,
    part_of,
    suppress_chargebacks,
    to_stream,
)
from fraud_core.features.labels import labels_as_of
from fraud_core.features.offline import DAY_SECONDS


@pytest.fixture(scope="module")
def events():
    return simulate_stream(
        StreamSettings(n_customers=80, n_terminals=160, n_days=20, radius=20.0), seed=3
    )


@pytest.fixture(scope="module")
def rows(events):
    return to_stream(events, windows_days=(1, 7))


@pytest.mark.parametrize("day", [1, 8, 20])
def test_known_labels_are_those_of_the_table_as_of_that_moment(events, rows, day):
    expected = labels_as_of(events, day * DAY_SECONDS)["label"].to_numpy()
    before = on_days(rows, 0, day)
    assert np.array_equal(rows.labels_as_of(day * DAY_SECONDS)[before], expected)


def test_labels_of_one_age_by_hand():
    # reported after 3 hours, after 30 hours, never; at age 0 a label counts that came on the day
    # itself
    reported = np.array([3 * 3600.0, 30 * 3600.0, np.inf])
    rows = StreamTransactions(
        ("x",), np.zeros((3, 1), np.float32), np.ones(3, int), np.ones(3), np.zeros(3), reported
    )
    assert rows.labels_at_maturity(0).tolist() == [1, 0, 0]
    assert rows.labels_at_maturity(1).tolist() == [1, 1, 0]


def test_labels_of_one_age_only_grow_and_never_exceed_the_truth(rows):
    ages = [rows.labels_at_maturity(days) for days in (0, 3, 7, 400)]
    assert all(np.all(a <= b) for a, b in pairwise(ages))
    assert np.array_equal(ages[-1], rows.y_true)


def test_hidden_frauds_are_never_reported_and_stay_frauds(events, rows):
    hidden = suppress_chargebacks(events, 0.5, from_day=10, rng=np.random.default_rng(0))
    assert hidden["label"].equals(events["label"])
    late = events["time"] >= 10 * DAY_SECONDS
    assert hidden.filter(~late)["reported_at"].equals(events.filter(~late)["reported_at"])
    lost = hidden["reported_at"].null_count() - events["reported_at"].null_count()
    assert lost == round(0.5 * events.filter(late)["label"].sum())
    # what is not reported is missing from the terminals' risk as well
    risk = list(rows.names).index("terminal_risk_7d")
    attacked = to_stream(hidden, windows_days=(1, 7))
    assert np.nansum(attacked.features[:, risk]) < np.nansum(rows.features[:, risk])


def test_features_of_a_day_do_not_change_when_later_days_are_cut_off(events, rows):
    cut = to_stream(events.filter(pl.col("time") < 12 * DAY_SECONDS), windows_days=(1, 7))
    assert np.array_equal(
        cut.features, part_of(rows, on_days(rows, 0, 12)).features, equal_nan=True
    )
