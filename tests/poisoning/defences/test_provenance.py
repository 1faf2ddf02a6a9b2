import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.definition import DefenceContext
from fraud_core.poisoning.defences.provenance import drop_harmful_source, harmful_source

pytestmark = pytest.mark.xdist_group("poisoning")


def test_provenance_drops_the_source_that_lies(attacked):
    _, seen, context = attacked("clean", 0.0)
    source = np.where(np.arange(len(seen.y_observed)) % 3 == 0, "a", "b")
    y = seen.y_observed.copy()
    lying = (source == "b") & ~seen.is_validation
    y[lying] = 1 - y[lying]
    lied = seen.with_labels(y)
    told = DefenceContext(context.scores, context.scan, context.quantised, source=source)
    np.testing.assert_array_equal(drop_harmful_source(lied, told, seed=1).flagged, lying)
    assert not drop_harmful_source(seen, told, seed=1).flagged.any()


def test_source_without_which_nothing_is_learnt_is_not_named(attacked):
    _, seen, context = attacked("clean", 0.0)
    source = np.where(seen.y_observed == 1, "frauds", "rest")
    assert harmful_source(context.quantised, seen, source, seed=1) is None


def test_labels_without_a_source_are_refused(attacked):
    _, seen, context = attacked("clean", 0.0)
    with pytest.raises(ParameterError, match="provenance: expected a source for each row"):
        drop_harmful_source(seen, context, seed=1)
