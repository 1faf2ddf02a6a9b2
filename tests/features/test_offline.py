from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st
from polars.testing import assert_frame_equal

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.errors import ParameterError
from fraud_core.features import offline as features
from fraud_core.features.offline import DAY_SECONDS, add_features

WINDOWS, DELAY = (1, 7), 2
REACH = (max(WINDOWS) + DELAY) * DAY_SECONDS


def events(rows):
    schema = {
        "time": pl.Int64,
        "customer_id": pl.Int64,
        "terminal_id": pl.Int64,
        "amount_eur": pl.Float64,
        "label": pl.Int8,
        "reported_at": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def featured(table):
    return add_features(table, windows_days=WINDOWS, label_delay_days=DELAY)


def brute_force(table):
    """Each row by looking at every other one."""
    rows, found = table.to_dicts(), []
    for row in rows:
        known = {}
        history = [
            r for r in rows if r["customer_id"] == row["customer_id"] and r["time"] < row["time"]
        ]
        gap = row["time"] - max(r["time"] for r in history) if history else None
        known["seconds_since_last"] = gap if gap is not None and gap <= REACH else None
        for days in WINDOWS:
            span, delay = days * DAY_SECONDS, DELAY * DAY_SECONDS
            mine = [r for r in history if r["time"] >= row["time"] - span]
            known[f"customer_count_{days}d"] = len(mine)
            cents = sum(round(r["amount_eur"] * 100) for r in mine)
            known[f"customer_mean_amount_{days}d"] = cents / 100 / len(mine) if mine else None
            there = [
                r
                for r in rows
                if r["terminal_id"] == row["terminal_id"] and r["time"] < row["time"]
            ]
            known[f"terminal_count_{days}d"] = sum(r["time"] >= row["time"] - span for r in there)
            old = [
                r for r in there if row["time"] - delay - span <= r["time"] < row["time"] - delay
            ]
            bad = [
                r
                for r in old
                if r["label"] == 1
                and r["reported_at"] is not None
                and r["reported_at"] < row["time"]
            ]
            known[f"terminal_risk_{days}d"] = len(bad) / len(old) if old else None
        found.append(known)
    return pl.DataFrame(found, infer_schema_length=None)


CENTS = st.integers(0, 10_000).map(lambda cents: cents / 100)
ROW = st.tuples(
    st.integers(0, 12 * DAY_SECONDS),
    st.integers(0, 2),
    st.integers(0, 2),
    CENTS,
    st.sampled_from([0, 0, 1]),
    st.integers(0, 5 * DAY_SECONDS),
)


@settings(max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=40), st.sampled_from([1, 5, 100]))
def test_features_are_those_of_looking_at_every_row(rows, events_in_a_block):
    table = events([(t, c, m, a, y, t + 1 + d if y else None) for t, c, m, a, y, d in rows])
    expected = brute_force(table)
    with mock.patch.object(features, "BLOCK_EVENTS", events_in_a_block):
        found = featured(table).select(expected.columns)
    assert_frame_equal(found, expected, check_dtypes=False, rel_tol=0, abs_tol=0)


def test_row_by_hand():
    table = events(
        [
            (0, 1, 9, 10.0, 1, DAY_SECONDS),
            (3 * DAY_SECONDS, 1, 9, 30.0, 0, None),
            (3 * DAY_SECONDS, 1, 9, 50.0, 0, None),
        ]
    )
    last = featured(table).row(2, named=True)
    assert last["customer_count_7d"] == 1  # the payment of the same second is not past
    assert last["customer_mean_amount_7d"] == 10.0
    assert last["terminal_risk_7d"] == 1.0
    assert last["customer_mean_amount_1d"] is None
    assert last["seconds_since_last"] == 3 * DAY_SECONDS


@pytest.fixture(scope="module")
def stream():
    return simulate_stream(
        StreamSettings(n_customers=100, n_terminals=150, n_days=40, radius=15.0), seed=3
    )


def test_future_changes_nothing(stream):
    """Everything after a moment is altered, and every
    label that was not reported by then is turned.
    """
    moment = 25 * DAY_SECONDS
    late, unknown = pl.col("time") >= moment, pl.col("reported_at") >= moment
    altered = stream.with_columns(
        pl.when(late).then(pl.col("amount_eur") * 9).otherwise("amount_eur").alias("amount_eur"),
        pl.when(late)
        .then((pl.col("customer_id") + 1) % 100)
        .otherwise("customer_id")
        .alias("customer_id"),
        pl.when(unknown).then(0).otherwise("label").cast(pl.Int8).alias("label"),
        pl.when(unknown).then(None).otherwise("reported_at").alias("reported_at"),
    )
    added = [name for name in featured(stream).columns if name not in stream.columns]
    before, after = (
        featured(table).filter(pl.col("time") < moment).select(added) for table in (stream, altered)
    )
    assert_frame_equal(before, after)


def test_order_of_the_rows_does_not_matter(stream):
    shuffled = stream.sample(fraction=1.0, shuffle=True, seed=1)
    assert_frame_equal(featured(shuffled).sort("transaction_id"), featured(stream))


def test_risk_rises_at_compromised_terminals(stream):
    risk = (
        featured(stream)
        .group_by(pl.col("scenario") == "compromised_terminal")
        .agg(pl.col("terminal_risk_7d").mean())
    )
    risks = dict(risk.rows())
    assert risks[True] > 5 * risks[False]


def test_missing_column_and_null_are_named(stream):
    with pytest.raises(ParameterError, match="terminal_id: expected this column"):
        featured(stream.drop("terminal_id"))
    with pytest.raises(ParameterError, match="amount_eur: expected a value"):
        featured(stream.with_columns(pl.lit(None, pl.Float64).alias("amount_eur")))


def test_empty_table_stays_empty(stream):
    assert featured(stream.clear()).height == 0
    assert np.array_equal(stream.columns, featured(stream.clear()).columns[: len(stream.columns)])
