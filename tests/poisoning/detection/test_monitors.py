import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.label_flips import flip_labels
from fraud_core.poisoning.detection.monitors import canary_power, detectability, smallest_pocket

Y = np.repeat([0, 1], [140_000, 280])
MONITORS = {
    "false_alarm_rate": 0.01,
    "n_reviewed": 200,
    "honest_error_rate": 0.01,
    "n_simulations": 1000,
}


def seen(direction: str, rate: float):
    y = flip_labels(Y, direction, rate, rng=np.random.default_rng(0)).y
    return detectability(Y, y, **MONITORS, rng=np.random.default_rng(1))


def test_honest_batch_alarms_at_about_the_stated_rate():
    found = seen("fraud_to_legit", 0.0)
    assert found.prevalence_chart < 0.03
    assert found.label_monitor < 0.03


def test_flipping_a_few_percent_of_the_legitimate_rows_is_seen_by_everyone():
    found = seen("legit_to_fraud", 0.02)
    assert found.prevalence_chart == 1.0
    assert found.label_monitor == 1.0


def test_hiding_a_tenth_of_the_frauds_is_hardly_seen():
    assert seen("fraud_to_legit", 0.1).either < 0.3


def test_hiding_more_is_seen_more():
    assert (
        seen("fraud_to_legit", 0.1).prevalence_chart < seen("fraud_to_legit", 0.5).prevalence_chart
    )


def test_canaries_by_counting():
    """Two canaries among four frauds and one flip: the flip hits a canary in two of six cases."""
    assert canary_power(2, 4, 1 / 6) == pytest.approx(1 / 3)
    assert canary_power(20, 492, 0.1) == pytest.approx(0.88, abs=0.005)
    assert canary_power(20, 492, 0.0) == 0.0


def test_smallest_pocket_grows_without_bound():
    sizes = [smallest_pocket(rate) for rate in (0.0, 0.1, 0.2, 0.4, 0.49)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0.0


def test_shares_outside_their_range_are_refused():
    with pytest.raises(ParameterError, match="flip_rate"):
        smallest_pocket(0.5)
    with pytest.raises(ParameterError, match="canaries"):
        canary_power(20, 492, 1.5)
    with pytest.raises(ParameterError, match="false_alarm_rate"):
        detectability(Y, Y, **MONITORS | {"false_alarm_rate": 1.0}, rng=np.random.default_rng(0))
