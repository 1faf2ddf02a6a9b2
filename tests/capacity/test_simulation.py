"""A deployment under traffic."""

import numpy as np
import pytest

from k8s.capacity.simulation import Pod, simulate
from k8s.capacity.traffic import daily_wave, flash_sale, steady
from tests.capacity.deployment import POD, SETTINGS


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
