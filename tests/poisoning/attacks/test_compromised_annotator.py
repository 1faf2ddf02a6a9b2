import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.compromised_annotator import COMPROMISED_ANNOTATOR
from fraud_core.poisoning.attacks.definition import ThreatModel


def test_source_hides_the_last_frauds_of_one_source(rows, known, rng):
    found = COMPROMISED_ANNOTATOR.poison(rows, 0.2, known, rng)
    name = known.source[found.changed]
    assert len(np.unique(name)) == 1
    own = np.flatnonzero((rows.y_observed == 1) & (known.source == name[0]))
    np.testing.assert_array_equal(found.changed, own[-len(found.changed) :])


def test_labels_without_a_source_are_refused(rows, rng):
    with pytest.raises(ParameterError, match="expected a source for each row"):
        COMPROMISED_ANNOTATOR.poison(rows, 0.1, ThreatModel(), rng)


def test_more_frauds_than_one_source_has_are_refused(rows, known, rng):
    with pytest.raises(ParameterError, match="source: expected a budget of at most"):
        COMPROMISED_ANNOTATOR.poison(rows, 0.9, known, rng)
