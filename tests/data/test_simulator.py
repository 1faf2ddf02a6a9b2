import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fraud_core.data.simulator import DAY_SECONDS, StreamSettings, simulate_stream
from fraud_core.errors import ParameterError

SMALL = StreamSettings(n_customers=300, n_terminals=600, n_days=60, radius=10.0)


@pytest.fixture(scope="module")
def stream():
    return simulate_stream(SMALL, seed=7)


def with_settings(**changes):
    return simulate_stream(StreamSettings(**{**SMALL.__dict__, **changes}), seed=7)


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(stream):
    assert_frame_equal(stream, simulate_stream(SMALL, seed=7))
    assert not stream["amount_eur"].equals(simulate_stream(SMALL, seed=8)["amount_eur"])


def test_payments_are_in_order_within_the_days(stream):
    assert stream["time"].is_sorted()
    assert stream["transaction_id"].to_list() == list(range(stream.height))
    assert 0 <= stream["time"].min() <= stream["time"].max() < SMALL.n_days * DAY_SECONDS


def test_frauds_alone_are_reported_and_later(stream):
    frauds = stream.filter(pl.col("label") == 1)
    assert (
        stream.filter(pl.col("label") == 0)["reported_at"].null_count()
        == stream.height - frauds.height
    )
    assert (frauds["reported_at"] > frauds["time"]).all()
    assert set(frauds["label_source"]) == {"review", "customer", "chargeback"}


def test_all_payments_at_a_compromised_terminal_are_fraud(stream):
    hit = stream.filter(pl.col("scenario") == "compromised_terminal")
    first = hit.group_by("terminal_id").agg(pl.col("time").min())
    day = first["time"][0] // DAY_SECONDS
    there = stream.filter(
        pl.col("terminal_id") == first["terminal_id"][0], pl.col("time") // DAY_SECONDS == day
    )
    assert (there["label"] == 1).all()


def test_large_amounts_are_fraud(stream):
    assert (stream.filter(pl.col("amount_eur") > SMALL.large_amount_eur)["label"] == 1).all()


def test_bias_lowers_the_amounts_of_one_group_alone():
    fair, biased = with_settings(bias=0.0), with_settings(bias=1.0)

    def mean(table, group):
        chosen = table.filter(
            pl.col("scenario") == "compromised_customer", pl.col("group") == group
        )
        return chosen["amount_eur"].mean()

    assert mean(biased, "b") < 0.4 * mean(fair, "b")
    assert mean(biased, "a") == mean(fair, "a")


@pytest.mark.parametrize(
    ("kind", "rises"),
    [("covariate", lambda t: t["amount_eur"].mean()), ("prior", lambda t: t["label"].mean())],
)
def test_drift_begins_on_its_day(kind, rises):
    drifted = with_settings(drift=kind, drift_day=30, drift_size=1.0)
    before, after = (
        drifted.filter((pl.col("time") >= 30 * DAY_SECONDS) == late) for late in (False, True)
    )
    assert rises(after) > 1.2 * rises(before)


def test_new_pattern_lies_in_the_night():
    drifted = with_settings(drift="new_pattern", drift_day=30, drift_size=1.0)
    late = drifted.filter(
        pl.col("scenario") == "compromised_customer", pl.col("time") >= 30 * DAY_SECONDS
    )
    assert (late["time"] % DAY_SECONDS < 4 * 3600).all()
    assert drifted["time"].is_sorted()


@pytest.mark.parametrize(
    "wrong", [{"n_days": 0}, {"bias": 1.5}, {"drift": "sudden"}, {"source_shares": (0.5, 0.5, 0.5)}]
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        with_settings(**wrong)


def test_rate_of_fraud_is_that_of_the_literature():
    """Le Borgne et al. (2022): 0.8% over the period; the
    small stream has fewer customers for as many compromises.
    """
    big = simulate_stream(StreamSettings(n_days=40), seed=1)
    assert 0.003 < big["label"].mean() < 0.012
    assert np.isclose(big.height / 40 / 5_000, 1.96, atol=0.1)
