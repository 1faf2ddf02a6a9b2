import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.micro_models import (
    MAJORITY,
    MODES,
    drop_outvoted,
    micro_model_votes,
)
from fraud_core.poisoning.detection.quantised_pool import quantise

pytestmark = pytest.mark.xdist_group("poisoning")


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_micro_models(mode, attacked):
    _, seen, context = attacked("legit_to_fraud", 0.2)
    found = drop_outvoted(seen, context, 3, mode)
    if mode == "relabel":
        assert len(found.rows.y_observed) == len(seen.y_observed)
        np.testing.assert_array_equal(
            found.rows.y_observed[found.flagged], 1 - seen.y_observed[found.flagged]
        )
    else:
        assert len(found.rows.y_observed) == len(seen.y_observed) - found.flagged.sum()
    if mode == "positive_unlabelled":
        assert (seen.y_observed[found.flagged] == 0).all()


def test_unknown_mode_is_refused(attacked):
    _, seen, context = attacked("clean", 0.0)
    with pytest.raises(ParameterError, match="mode: expected one of filter"):
        drop_outvoted(seen, context, 1, "guess")


def test_votes_are_against_the_flipped_labels_and_for_the_others(rng):
    y = np.repeat([0, 1], 200)
    pool = quantise(3.0 * y[:, None] + rng.uniform(size=(400, 2)))
    seen = y.copy()
    seen[[5, 395]] = 1 - y[[5, 395]]
    votes = micro_model_votes(pool, seen, seed=0)
    assert votes[[5, 395]].min() > MAJORITY
    assert np.delete(votes, [5, 395]).mean() < 0.05


def test_slices_of_one_class_do_not_vote():
    y = np.zeros(40, dtype=int)
    assert not micro_model_votes(quantise(np.arange(40.0)[:, None]), y, seed=0).any()
