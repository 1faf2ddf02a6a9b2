"""The autoscaler by hand, and its rules."""

from hypothesis import given, strategies as st

from k8s.capacity.autoscaler import Autoscaler, recommend
from tests.capacity.deployment import SETTINGS


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
