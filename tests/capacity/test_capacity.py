"""The autoscaler by hand, its rules, and a deployment under traffic."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from k8s.capacity.__main__ import quantity, read_deployment
from k8s.capacity.autoscaler import Autoscaler, AutoscalerSettings, Policy, Rules, recommend
from k8s.capacity.simulation import Pod, simulate
from k8s.capacity.traffic import daily_wave, flash_sale, steady

AT_ONCE = Rules(0, (Policy("Percent", 100, 15), Policy("Pods", 4, 15)))
SLOWLY = Rules(300, (Policy("Percent", 20, 60),))
SETTINGS = AutoscalerSettings(3, 40, 0.8, AT_ONCE, SLOWLY)
POD = Pod(0.0005, 0.5, 1.0, 20.0)


class TestByHand:
    def test_ratio_is_rounded_up(self):
        assert recommend(3, [1.0, 1.0, 1.0], 0.8) == 4

    def test_within_the_tolerance_nothing_changes(self):
        assert recommend(10, [0.87] * 10, 0.8) == 10
        assert recommend(10, [0.89] * 10, 0.8) == 12

    def test_pods_that_are_not_ready_count_as_idle_when_more_are_asked_for(self):
        assert recommend(6, [1.6] * 3, 0.8) == 6
        assert recommend(6, [2.0] * 3, 0.8) == 8

    def test_without_any_metric_nothing_changes(self):
        assert recommend(5, [], 0.8) == 5

    def test_growth_is_bounded_by_the_more_generous_policy(self):
        assert (
            Autoscaler(SETTINGS).replicas(0, current=3, utilizations=[8.0] * 3) == 7
        )  # three and four pods
        assert Autoscaler(SETTINGS).replicas(0, current=10, utilizations=[8.0] * 10) == 20  # twice

    def test_policy_counts_from_the_start_of_its_period(self):
        scaler = Autoscaler(SETTINGS)
        assert scaler.replicas(0, current=3, utilizations=[8.0] * 3) == 7
        assert scaler.replicas(5, current=7, utilizations=[8.0] * 7) == 7
        assert scaler.replicas(15, current=7, utilizations=[8.0] * 7) == 14

    def test_shrinking_waits_for_its_window_and_goes_a_fifth_a_minute(self):
        scaler = Autoscaler(SETTINGS)
        scaler.replicas(0, current=20, utilizations=[0.8] * 20)
        assert scaler.replicas(15, current=20, utilizations=[0.1] * 20) == 20
        assert scaler.replicas(301, current=20, utilizations=[0.1] * 20) == 16
        assert scaler.replicas(316, current=16, utilizations=[0.1] * 16) == 16
        assert scaler.replicas(362, current=16, utilizations=[0.1] * 16) == 12


@given(st.integers(3, 40), st.lists(st.floats(0, 2), min_size=1, max_size=40))
def test_replicas_stay_within_bounds(current, utilizations):
    replicas = Autoscaler(SETTINGS).replicas(
        0, current=current, utilizations=utilizations[:current]
    )
    assert 3 <= replicas <= 40


@given(st.floats(0.01, 2), st.floats(0.01, 2))
def test_more_load_never_asks_for_fewer_pods(one, other):
    low, high = sorted((one, other))
    assert recommend(10, [low] * 10, 0.8) <= recommend(10, [high] * 10, 0.8)


class TestUnderTraffic:
    def test_steady_traffic_rejects_nothing_and_moves_nothing(self):
        outcome = simulate(steady(5000.0), POD, SETTINGS, metric_delay_seconds=30)
        assert outcome.rejected_share == 0
        assert set(outcome.replicas) == {7}

    def test_sale_beyond_the_headroom_rejects_until_pods_are_ready(self):
        traffic = flash_sale(2000.0, 20_000.0)
        outcome = simulate(traffic, POD, SETTINGS, metric_delay_seconds=30)
        assert outcome.lag_seconds > POD.start_seconds
        slower = simulate(traffic, Pod(0.0005, 0.5, 1.0, 120.0), SETTINGS, metric_delay_seconds=30)
        assert slower.rejected_share > outcome.rejected_share

    def test_lost_pods_are_replaced(self):
        outcome = simulate(steady(5000.0), POD, SETTINGS, metric_delay_seconds=30, losses={600: 6})
        assert outcome.ready[600] == 1
        assert outcome.rejected[600] == pytest.approx(5000 - 2000)
        assert outcome.ready[-1] >= 7
        assert outcome.lag_seconds == 20

    def test_requests_are_answered_or_rejected(self):
        outcome = simulate(
            daily_wave(20_000.0)[64_000:72_000], POD, SETTINGS, metric_delay_seconds=30
        )
        answered = np.minimum(
            outcome.ready * POD.limit_cores / POD.cpu_seconds_per_request,
            daily_wave(20_000.0)[64_000:72_000],
        )
        np.testing.assert_allclose(answered + outcome.rejected, daily_wave(20_000.0)[64_000:72_000])


def test_deployment_is_read_from_the_manifests():
    settings, pod, memory = read_deployment(0.001, 20)
    assert settings.min_replicas < settings.max_replicas
    assert pod.request_cores <= pod.limit_cores
    assert 0 < memory < 1
    assert [quantity(text) for text in ("500m", "2", "512Mi", "1Gi")] == [0.5, 2.0, 0.5, 1.0]
