import numpy as np
import polars as pl
import pytest

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.errors import ParameterError
from fraud_core.features.history import Event
from fraud_core.features.offline import DAY_SECONDS, add_features
from fraud_core.features.online import FeatureState, count_skewed_values, replay


@pytest.fixture(scope="module")
def stream():
    return simulate_stream(
        StreamSettings(n_customers=60, n_terminals=80, n_days=60, radius=20.0), seed=5
    )


def test_online_features_are_the_offline_ones_to_the_bit(stream):
    online = replay(stream, FeatureState(), last=800)
    assert online.height == 800
    assert count_skewed_values(add_features(stream), online) == 0
    assert online["terminal_risk_30d"].fill_nan(0.0).max() > 0


def test_mismatch_is_counted(stream):
    online = replay(stream, FeatureState(), last=20)
    wrong = online.with_columns(customer_count_7d=pl.col("customer_count_7d") + 1)
    assert count_skewed_values(add_features(stream), wrong) == 20


def test_entity_that_was_never_seen_has_counts_and_no_means():
    found = FeatureState().features(Event(1, 5, 7, 9, 1.0))
    assert found["customer_count_30d"] == 0
    assert all(
        np.isnan(found[name])
        for name in ("customer_mean_amount_30d", "terminal_risk_30d", "seconds_since_last")
    )


def test_same_event_twice_counts_once_and_another_under_its_identity_is_refused():
    state, event = FeatureState(), Event(1, 5, 7, 9, 1.0)
    assert state.add(event)
    assert not state.add(event)
    assert len(state) == 1
    with pytest.raises(ParameterError, match="transaction_id 1"):
        state.add(Event(1, 6, 7, 9, 1.0))


def test_clock_that_goes_backwards_is_taken_as_it_is():
    state = FeatureState(windows_days=(1,))
    state.add(Event(1, 1000, 7, 9, 30.0))
    state.add(Event(2, 500, 7, 9, 10.0))
    assert state.features(Event(3, 800, 7, 9, 1.0))["customer_mean_amount_1d"] == 10.0


def test_event_older_than_anything_that_matters_is_refused():
    state = FeatureState()
    state.add(Event(1, 100 * DAY_SECONDS, 7, 9, 30.0))
    with pytest.raises(ParameterError, match="time 0"):
        state.add(Event(2, 0, 7, 9, 30.0))


def test_memory_is_bounded_by_the_windows(stream):
    state = FeatureState(windows_days=(1,), label_delay_days=1)
    replay(stream, state, last=1)
    recent = stream.filter(pl.col("time") >= stream["time"].max() - 2 * DAY_SECONDS)
    assert len(state) == recent.height


def test_report_before_the_payment_is_refused_and_one_of_a_forgotten_payment_is_ignored():
    state = FeatureState()
    state.add(Event(1, 100, 7, 9, 30.0))
    assert not state.report(99, 200)
    with pytest.raises(ParameterError, match="reported_at 50"):
        state.report(1, 50)


def test_customer_who_comes_back_after_longer_than_is_remembered():
    """The state has let go of the first payment, so the table must not know it either."""
    rows = [
        (0, 0, 7, 9, 10.0),
        (1, 37 * DAY_SECONDS, 8, 9, 10.0),
        (2, 39 * DAY_SECONDS, 7, 9, 10.0),
    ]
    names = ["transaction_id", "time", "customer_id", "terminal_id", "amount_eur"]
    table = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        label=pl.lit(0, pl.Int8), reported_at=pl.lit(None, pl.Int64)
    )
    online = replay(table, FeatureState(), last=3)
    assert count_skewed_values(add_features(table), online) == 0
    assert online["seconds_since_last"].is_nan().all()
