import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.context import defence_context
from fraud_core.poisoning.defences.nearest_neighbours import nearest_neighbours

PARTS = {"quantised", "scores", "scan", "neighbours"}


def few_rows(source=None):
    y = np.array([0, 0, 0, 1, 1, 1] * 4)
    late = np.arange(24) >= 12
    return Transactions(np.arange(24.0)[:, None], y, np.ones(24), is_trusted=late, source=source)


def computed(context):
    return PARTS & set(vars(context))


def test_a_part_is_computed_once_and_only_when_it_is_asked_for():
    context = defence_context(few_rows(), seed=1)
    repr(context)
    assert computed(context) == set()
    first = context.neighbours
    np.testing.assert_array_equal(first, nearest_neighbours(few_rows().X)[0])
    assert context.neighbours is first
    assert computed(context) == {"neighbours"}
    assert context.scores.log_odds.shape == (24,)
    assert computed(context) == {"neighbours", "quantised", "scores"}


def test_sources_are_those_of_the_rows_unless_others_are_given():
    own, other = np.array(["a", "b"] * 12), np.array(["c"] * 24)
    assert defence_context(few_rows(own), seed=1).source is own
    assert defence_context(few_rows(own), seed=1, source=other).source is other
    assert not defence_context(few_rows(), seed=1).has("source")
