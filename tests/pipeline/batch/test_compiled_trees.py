import numpy as np
import pytest

from fraud_core.pipeline.batch.compiled_trees import log_odds_of_many
from fraud_core.scoring.oblivious_trees import ObliviousTrees


def forest(rng, n_trees, depth=6, n_features=5):
    return ObliviousTrees(
        rng.integers(0, n_features, (n_trees, depth)),
        rng.normal(size=(n_trees, depth)).astype(np.float32),
        rng.normal(size=(n_trees, 1 << depth)),
        0.3,
    )


@pytest.mark.parametrize("n_trees", [1, 3, 7, 8, 9, 75, 128, 129, 257, 1000])
def test_every_length_of_the_sum_gives_the_bits_of_numpy(rng, n_trees):
    trees, values = forest(rng, n_trees), rng.normal(size=(500, 5)).astype(np.float32)
    values[::7, 2] = np.nan
    assert np.array_equal(log_odds_of_many(trees, values), trees.log_odds(values))


def test_more_rows_than_one_chunk_and_none_at_all(rng):
    trees, values = forest(rng, 20), rng.normal(size=(9000, 5)).astype(np.float32)
    assert np.array_equal(log_odds_of_many(trees, values), trees.log_odds(values))
    assert log_odds_of_many(trees, values[:0]).shape == (0,)
