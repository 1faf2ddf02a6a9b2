import numpy as np
from scipy.spatial.distance import cdist

from fraud_core.poisoning.defences.nearest_neighbours import (
    K,
    after_moves,
    fraud_neighbours,
    nearest_neighbours,
    standardise,
)


def brute(place: np.ndarray, k: int) -> np.ndarray:
    apart = cdist(place, place)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :k]


def test_neighbours_equal_those_of_all_distances(rng):
    features = rng.normal(size=(200, 3)) * [1, 10, 100]
    found, _ = nearest_neighbours(features, k=4)
    np.testing.assert_array_equal(found, brute(standardise(features).astype(float), 4))


def test_parts_together_are_the_whole(rng):
    features = rng.normal(size=(90, 2))
    whole, _ = nearest_neighbours(features, k=3)
    parts = [
        nearest_neighbours(features, queries=part, k=3)[0]
        for part in np.array_split(np.arange(90), 4)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_exact_duplicates_are_each_others_neighbour_and_never_their_own(rng):
    features = np.repeat(rng.normal(size=(20, 2)), 2, axis=0)
    found, _ = nearest_neighbours(features, k=1)
    np.testing.assert_array_equal(found.ravel(), np.arange(40) ^ 1)


def test_moved_and_added_rows_give_the_neighbours_of_a_fresh_search(rng):
    before = rng.normal(size=(150, 3))
    after = np.concatenate([before, rng.normal(size=(6, 3))])
    moved = np.array([3, 70, *range(150, 156)])
    after[[3, 70]] = rng.normal(size=(2, 3))
    near, apart = nearest_neighbours(before)
    found = after_moves(near, apart, before, after, moved)
    place = (after - before.mean(axis=0)) / before.std(axis=0)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(brute(place, K), axis=1))


def test_share_of_fraud_neighbours_by_hand():
    assert fraud_neighbours(
        np.array([0, 1, 1, 0]), np.array([[1, 2], [0, 3], [0, 1], [1, 0]])
    ).tolist() == [
        1,
        0,
        0.5,
        0.5,
    ]
