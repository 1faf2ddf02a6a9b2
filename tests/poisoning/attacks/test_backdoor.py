import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.backdoor import BACKDOOR, TRIGGER_QUANTILES
from fraud_core.poisoning.attacks.definition import ThreatModel


def test_backdoor_stamps_its_trigger_and_nothing_else_carries_it(rows, rng):
    found = BACKDOOR.poison(rows, 0.3, ThreatModel(), rng)
    carries = (found.rows.X[:, found.trigger.columns] == found.trigger.values).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(carries), found.changed)
    assert not rows.is_validation[found.changed].any()


def test_trigger_takes_rare_values_of_the_two_columns_that_tell_least(rows, rng):
    trigger = BACKDOOR.poison(rows, 0.3, ThreatModel(), rng).trigger
    legit, fraud = rows.X[rows.y_observed == 0], rows.X[rows.y_observed == 1]
    apart = abs(fraud.mean(axis=0) - legit.mean(axis=0)) / legit.std(axis=0)
    others = np.setdiff1d(np.arange(rows.X.shape[1]), trigger.columns)
    assert apart[trigger.columns].max() <= apart[others].min()
    below = (legit[:, trigger.columns] <= trigger.values).mean(axis=0)
    assert below == pytest.approx(TRIGGER_QUANTILES, abs=1 / len(legit))


def test_more_frauds_than_an_attacker_can_reach_are_refused(rows, rng):
    with pytest.raises(ParameterError, match="backdoor: expected a budget of at most"):
        BACKDOOR.poison(rows, 1.0, ThreatModel(), rng)
