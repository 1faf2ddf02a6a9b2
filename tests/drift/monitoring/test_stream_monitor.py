import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from fraud_core.drift.monitoring.reference_histogram import build_reference
from fraud_core.drift.monitoring.stream_monitor import StreamMonitor, merge_states
from fraud_core.errors import ParameterError

N_FEATURES = 29
NAMES = [f"x{k}" for k in range(N_FEATURES)]
HOUR = 3600.0


def made_reference(rng, n=20_000, n_variables=N_FEATURES + 1):
    return build_reference(
        rng.normal(size=(n, n_variables)), [*NAMES[: n_variables - 1], "score"], n_bins=20
    )


def feed(monitor, rows, now=0.0, step=0.0):
    for k, row in enumerate(rows):
        monitor.observe(row[:-1], row[-1], now + k * step)


class TestWindows:
    def test_few_rows_are_unknown_never_stable(self, rng):
        monitor = StreamMonitor(made_reference(rng))
        assert monitor.verdict("rows", 0.0).state == "insufficient_data"
        feed(monitor, rng.normal(size=(199, 30)))
        assert monitor.verdict("rows", 0.0).state == "insufficient_data"
        feed(monitor, rng.normal(size=(1, 30)))
        assert monitor.verdict("rows", 0.0).state != "insufficient_data"

    def test_window_by_count_forgets(self, rng):
        monitor = StreamMonitor(made_reference(rng), window_rows=1000)
        feed(monitor, rng.normal(1, 1, size=(1500, 30)))
        assert monitor.verdict("rows", 0.0).state == "material"
        feed(monitor, rng.normal(size=(1500, 30)))
        verdict = monitor.verdict("rows", 0.0)
        assert verdict.material == ()
        assert 1000 <= verdict.rows <= 1000 * 9 / 8 + 256

    def test_window_by_time_forgets(self, rng):
        monitor = StreamMonitor(made_reference(rng), window_seconds=800.0)
        feed(monitor, rng.normal(size=(1000, 30)), now=0.0, step=1.0)
        assert 700 <= monitor.verdict("time", 1000.0).rows <= 800
        assert monitor.verdict("time", 1e9).state == "insufficient_data"

    def test_clock_that_steps_back_loses_no_row(self, rng):
        monitor = StreamMonitor(made_reference(rng), window_seconds=800.0)
        feed(monitor, rng.normal(size=(300, 30)), now=5000.0)
        feed(monitor, rng.normal(size=(300, 30)), now=10.0)
        assert monitor.verdict("time", 5000.0).rows == 600

    def test_many_rows_at_once_count_like_one_after_the_other(self, rng):
        reference, rows = made_reference(rng), rng.normal(size=(777, 30))
        one, many = StreamMonitor(reference), StreamMonitor(reference)
        feed(one, rows)
        many.observe_many(rows[:, :-1], rows[:, -1], 0.0)
        assert one.verdict("time", 0.0) == many.verdict("time", 0.0)

    def test_a_price_on_an_edge_falls_on_the_side_the_model_saw(self):
        prices = np.repeat([0.89, 9.99], 500)
        reference = build_reference(
            np.column_stack([prices.astype(np.float32), prices]), ["price", "score"], n_bins=2
        )
        monitor = StreamMonitor(reference)
        feed(monitor, np.column_stack([prices, prices]))
        assert monitor.verdict("rows", 0.0).variables["price"].population_stability_index == 0.0

    def test_night_is_no_drift_against_the_same_hours(self, rng):
        hour = np.repeat(np.arange(24), 800)
        by_hour = np.sin(hour / 24 * 2 * np.pi)
        rows = rng.normal(size=(len(hour), 4)) + by_hour[:, None]
        blind = build_reference(rows, [*"abc", "score"], n_bins=20)
        knowing = build_reference(rows, [*"abc", "score"], n_bins=20, hour=hour)
        night = rng.normal(size=(2000, 4)) + by_hour[hour == 6][0]
        found = {}
        for name, reference in (("blind", blind), ("knowing", knowing)):
            monitor = StreamMonitor(reference)
            monitor.observe_many(night[:, :-1], night[:, -1], 6.5 * HOUR)
            found[name] = monitor.verdict("time", 6.5 * HOUR).state
        assert found == {"blind": "material", "knowing": "stable"}

    def test_hour_without_reference_is_unknown(self, rng):
        reference = build_reference(
            rng.normal(size=(900, 2)), ["a", "score"], n_bins=5, hour=np.full(900, 3)
        )
        monitor = StreamMonitor(reference)
        monitor.observe_many(rng.normal(size=(500, 1)), rng.normal(size=500), 12 * HOUR)
        assert monitor.verdict("time", 12 * HOUR).state == "insufficient_data"

    @pytest.mark.parametrize(
        "bad", [{"window_rows": 3}, {"window_seconds": 0.0}, {"minimum_rows": 0}]
    )
    def test_windows_that_cannot_be_are_refused(self, rng, bad):
        with pytest.raises(ParameterError, match="drift monitor"):
            StreamMonitor(made_reference(rng), **bad)


class TestState:
    def test_survives_a_restart_as_json(self, rng):
        reference, rows = made_reference(rng), rng.normal(0.2, 1, size=(1500, 30))
        whole, first, second = (StreamMonitor(reference) for _ in range(3))
        feed(whole, rows[:800])
        feed(first, rows[:800])
        second.restore(json.loads(json.dumps(first.to_state())))
        feed(whole, rows[800:], now=600.0)
        feed(second, rows[800:], now=600.0)
        for window in ("rows", "time"):
            assert whole.verdict(window, 600.0) == second.verdict(window, 600.0)

    @settings(max_examples=15)
    @given(st.integers(0, 1000), st.integers(1, 4))
    def test_merged_workers_count_like_one(self, seed, n_workers):
        rng = np.random.default_rng(seed)
        reference, rows = made_reference(rng, 500, 3), rng.normal(size=(900, 3))
        whole = StreamMonitor(reference, window_seconds=8000.0)
        workers = [StreamMonitor(reference, window_seconds=8000.0) for _ in range(n_workers)]
        for k, row in enumerate(rows):
            whole.observe(row[:-1], row[-1], k * 10.0)
            workers[rng.integers(n_workers)].observe(row[:-1], row[-1], k * 10.0)
        states = [worker.to_state() for worker in workers]
        merged = StreamMonitor(reference, window_seconds=8000.0)
        merged.restore(merge_states(states))
        assert merged.verdict("time", 9000.0) == whole.verdict("time", 9000.0)
        assert merged.verdict("rows", 9000.0).rows == 900
        assert merge_states(states[::-1]) == merge_states(states)

    def test_state_of_another_reference_or_window_is_refused(self, rng):
        one, other = StreamMonitor(made_reference(rng)), StreamMonitor(made_reference(rng))
        with pytest.raises(ParameterError, match="reference: expected"):
            one.restore(other.to_state())
        with pytest.raises(ParameterError, match="reference: expected"):
            merge_states([one.to_state(), other.to_state()])
        wider = StreamMonitor(one.reference, window_rows=4000)
        with pytest.raises(ParameterError, match="window_rows: expected"):
            one.restore(wider.to_state())


class TestCost:
    def test_memory_is_bounded_below_one_megabyte(self, rng):
        rows = rng.normal(size=(1000, 30))
        made_reference(rng, 1000)  # what NumPy imports on the way is not the monitor's
        tracemalloc.start()
        monitor = StreamMonitor(made_reference(rng), window_rows=100_000, window_seconds=86_400.0)
        for k in range(60):
            monitor.observe_many(rows[:, :-1], rows[:, -1], k * 7200.0)
        monitor.verdict("rows", 0.0)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert held < 300_000

    def test_imports_nothing_heavier_than_numpy(self):
        code = "import sys, fraud_core.drift.monitoring.stream_monitor; print(*sys.modules)"
        loaded = set(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout.split()
        )
        assert not loaded & {"scipy", "polars", "sklearn", "catboost", "pandas"}


def test_false_alarms_stay_below_five_percent(rng):
    reference = made_reference(rng, 50_000, 10)
    alarms = 0
    for _ in range(300):
        monitor = StreamMonitor(reference, window_rows=1000)
        rows = rng.normal(size=(1000, 10))
        monitor.observe_many(rows[:, :-1], rows[:, -1], 0.0)
        alarms += monitor.verdict("rows", 0.0).state != "stable"
    assert alarms <= stats.binom.ppf(0.999, 300, 0.05)


def test_one_shifted_feature_among_thirty_is_found_and_named(rng):
    reference = made_reference(rng)
    monitor = StreamMonitor(reference)
    rows = rng.normal(size=(2000, 30))
    rows[:, 7] += 0.5
    feed(monitor, rows)
    assert monitor.verdict("rows", 0.0).material == ("x7",)
