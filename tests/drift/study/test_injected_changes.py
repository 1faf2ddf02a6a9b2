import numpy as np
import pytest

from fraud_core.drift.study.injected_changes import (
    all_features,
    one_feature,
    some_rows,
    stability_index,
)
from fraud_core.drift.two_sample.univariate import population_stability_index

SCALE = np.array([1.0, 2.0, 4.0])


def test_one_feature_moves_by_its_deviations(rng):
    window = rng.normal(size=(50, 3))
    moved = one_feature(0.25, SCALE)(window, rng) - window
    k = int(np.argmax(np.abs(moved).sum(axis=0)))
    assert moved[:, k] == pytest.approx(0.25 * SCALE[k])
    assert not np.delete(moved, k, axis=1).any()


def test_all_features_move_up_or_down(rng):
    window = rng.normal(size=(50, 3))
    moved = all_features(0.05, SCALE)(window, rng) - window
    np.testing.assert_allclose(np.abs(moved), np.tile(0.05 * SCALE, (50, 1)))


def test_some_rows_are_some_rows_of_one_feature_and_the_window_is_not_touched(rng):
    window = rng.normal(size=(5000, 3))
    kept = window.copy()
    moved = some_rows(0.1, 2.0, SCALE)(window, rng) - window
    assert np.array_equal(window, kept)
    assert (moved != 0).any(axis=0).sum() == 1
    assert (moved != 0).any(axis=1).mean() == pytest.approx(0.1, abs=0.02)


def test_tilted_feature_has_the_index_that_was_asked_for(rng):
    reference = rng.normal(size=(50_000, 1))
    changed = stability_index(0.1, reference, n_bins=10)(reference.copy(), rng)
    assert population_stability_index(reference[:, 0], changed[:, 0]) == pytest.approx(
        0.1, abs=0.01
    )
