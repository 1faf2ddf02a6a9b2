import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.definition import ThreatModel
from fraud_core.poisoning.attacks.margin_based import MARGIN_BASED


def test_boundary_takes_the_frauds_nearest_to_the_boundary(rows, rng):
    frauds = np.flatnonzero(rows.y_observed == 1)
    log_odds = np.zeros(len(rows.y_observed))
    log_odds[frauds] = np.arange(len(frauds)) - 2.2
    found = MARGIN_BASED.poison(rows, 3 / len(frauds), ThreatModel(log_odds=log_odds), rng)
    np.testing.assert_array_equal(found.changed, frauds[[1, 2, 3]])


def test_attacker_without_a_model_is_refused(rows, rng):
    with pytest.raises(ParameterError, match="expected the log-odds of a clean model"):
        MARGIN_BASED.poison(rows, 0.1, ThreatModel(), rng)
