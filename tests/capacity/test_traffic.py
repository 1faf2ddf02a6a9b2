import numpy as np
import pytest

from k8s.capacity.traffic import daily_wave, flash_sale, steady


def test_day_has_its_peak_in_the_evening_and_is_calm_at_night():
    day = daily_wave(1000.0)
    hour = day.reshape(24, 3600).mean(axis=1)
    assert day.max() == 1000.0
    assert 18 <= int(hour.argmax()) <= 19
    assert int(hour.argmin()) < 6
    assert hour[12] > hour[15] < hour[19]


def test_sale_rises_within_twenty_seconds_and_falls_to_a_third_in_ten_minutes():
    sale = flash_sale(100.0, 900.0)
    assert set(sale[:601]) == {100.0}
    assert sale[610] == pytest.approx(500.0)
    assert set(sale[620:901]) == {900.0}
    assert sale[1500] == pytest.approx(100 + 800 * np.exp(-1))
    assert (np.diff(sale[900:]) < 0).all()


def test_steady_traffic_is_the_same_every_second():
    assert steady(7.0, 5).tolist() == [7.0] * 5
