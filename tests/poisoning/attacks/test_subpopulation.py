from dataclasses import replace

import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.definition import ThreatModel
from fraud_core.poisoning.attacks.label_flips import FRAUD_TO_LEGIT
from fraud_core.poisoning.attacks.subpopulation import SUBPOPULATION


def test_subpopulation_of_amounts_is_a_band(rows, rng):
    found = SUBPOPULATION.poison(rows, 0.3, ThreatModel(mode="amount"), rng)
    hidden = rows.amount_eur[found.changed]
    rest = rows.amount_eur[(rows.y_observed == 1) & (found.y_observed == 1)]
    assert not np.any((rest > hidden.min()) & (rest < hidden.max()))


def test_subpopulation_of_time_is_a_run_of_frauds(rows, rng):
    found = SUBPOPULATION.poison(rows, 0.3, ThreatModel(mode="time"), rng)
    place = np.searchsorted(np.flatnonzero(rows.y_observed == 1), found.changed)
    np.testing.assert_array_equal(np.diff(place), 1)


def test_targeted_cluster_is_tighter_than_a_random_draw(rows):
    def spread(entry):
        found = entry.poison(rows, 0.3, ThreatModel(), np.random.default_rng(0))
        return rows.X[found.changed].std(axis=0).mean()

    assert spread(SUBPOPULATION) < spread(FRAUD_TO_LEGIT)


def test_attack_on_an_empty_class_is_refused(rows, rng):
    honest = replace(rows, y_observed=np.zeros_like(rows.y_observed))
    with pytest.raises(ParameterError, match="expected rows of class 1 to attack, found none"):
        SUBPOPULATION.poison(honest, 0.1, ThreatModel(), rng)


def test_unknown_mode_is_refused(rows, rng):
    with pytest.raises(ParameterError, match="mode: expected one of cluster, amount, time"):
        SUBPOPULATION.poison(rows, 0.1, ThreatModel(mode="colour"), rng)
