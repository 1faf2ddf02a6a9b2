import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.definition import ThreatModel
from fraud_core.poisoning.attacks.group import GROUP


def test_hidden_frauds_are_of_one_group_and_drawn_within_it(rows, known):
    draws = [GROUP.poison(rows, 0.1, known, np.random.default_rng(seed)) for seed in range(8)]
    for found in draws:
        assert len(np.unique(known.group[found.changed])) == 1
        assert (found.y_observed[found.changed] == 0).all()
        assert found.y_observed.sum() == rows.y_observed.sum() - len(found.changed)
    assert len({tuple(found.changed) for found in draws}) == len(draws)


def test_payments_without_a_group_are_refused(rows, rng):
    with pytest.raises(ParameterError, match="expected a group for each row"):
        GROUP.poison(rows, 0.1, ThreatModel(), rng)
