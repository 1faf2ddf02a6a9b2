"""Nearest neighbours of every row: found once, because
label attacks do not move rows; mended where rows move.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without

K = 10
SPARE = 10


def nearest_neighbours(
    features: np.ndarray, *, queries: np.ndarray | None = None, k: int = K + SPARE
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of each row by Euclidean distance of standardised features.

    Parameters
    ----------
    features
        Shape (n_samples, n_features).
    queries
        Rows to ask for, shape (n_queries,); None for all.

    Returns
    -------
    neighbours, distance
        Shape (n_queries, k): int32 rows, nearest first, and squared distances, float32.

    Examples
    --------
    >>> nearest_neighbours(np.array([[0.0], [1.0], [5.0]]), k=1)[0].ravel()
    array([1, 0, 1], dtype=int32)
    """
    from sklearn.neighbors import NearestNeighbors

    place = standardise(features)
    asked = np.arange(len(place)) if queries is None else queries
    k = min(k, len(place) - 1)
    search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute", n_jobs=1).fit(place)
    distance, found = search.kneighbors(place[asked])
    itself = found == asked[:, None]
    itself[~itself.any(axis=1), -1] = True
    others = ~itself
    shape = (len(asked), k)
    return found[others].reshape(shape).astype(np.int32), (
        distance[others].reshape(shape) ** 2
    ).astype(np.float32)


def standardise(features: np.ndarray) -> np.ndarray:
    """Features less their mean over their standard
    deviation, float32; a constant column becomes 0.
    """
    scale = features.std(axis=0)
    return np.ascontiguousarray(
        (features - features.mean(axis=0)) / np.where(scale > 0, scale, 1.0), dtype=np.float32
    )


def after_moves(
    neighbours: np.ndarray,
    distance: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    moved: np.ndarray,
) -> np.ndarray:
    """Neighbours after some rows changed place or were added, without asking for all of them again.

    Parameters
    ----------
    neighbours, distance
        From `nearest_neighbours` of `before`, with spare ones.
    before, after
        Features, shapes (n_before, m) and (n_after, m); rows that were added stand last in `after`.
    moved
        Rows of `after` that changed or are new.

    Returns
    -------
    numpy.ndarray
        Shape (n_after, K). Distances stay in the scale of `before`. Exact unless more than the
        spare neighbours of a row moved away.

    Examples
    --------
    >>> before = np.array([[0.0], [1.0], [5.0]])
    >>> near, apart = nearest_neighbours(before, k=2)
    >>> after_moves(near, apart, before, np.array([[0.0], [1.0], [0.4]]), np.array([2]))[0, 0]
    np.int32(2)
    """
    scale = np.where(before.std(axis=0) > 0, before.std(axis=0), 1.0)
    place = np.ascontiguousarray((after - before.mean(axis=0)) / scale, dtype=np.float32)
    n_before, k = len(before), min(K, neighbours.shape[1])
    apart = _squared(place, place[moved])
    apart[moved, np.arange(len(moved))] = np.inf
    old_apart = np.where(np.isin(neighbours, moved), np.inf, distance)
    candidates = np.concatenate(
        [neighbours, np.broadcast_to(moved.astype(np.int32), (n_before, len(moved)))], axis=1
    )
    values = np.concatenate([old_apart, apart[:n_before]], axis=1)
    best = np.argsort(values, axis=1, kind="stable")[:, :k]
    out = np.empty((len(after), k), np.int32)
    out[:n_before] = np.take_along_axis(candidates, best, axis=1)
    out[moved] = np.argsort(apart.T, axis=1, kind="stable")[:, :k]
    return out


def _squared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left**2).sum(axis=1)[:, None] - 2 * left @ right.T + (right**2).sum(axis=1)


def fraud_neighbours(y: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Share of frauds among the `K` nearest neighbours of each row, in [0, 1].

    Examples
    --------
    >>> fraud_neighbours(np.array([1, 0, 1]), np.array([[1, 2], [0, 2], [0, 1]]))
    array([0.5, 1. , 0.5])
    """
    return y[neighbours[:, :K]].mean(axis=1)


def drop_contradicted(rows: Transactions, context: DefenceContext, seed: int) -> Defended:
    """Drop labels that most of the nearest neighbours contradict; nothing is drawn.

    Raises
    ------
    ParameterError
        When the context holds no neighbours.

    References
    ----------
    A. Paudice, L. Muñoz-González and E. Lupu (2018), Label sanitization against label flipping
    poisoning attacks.
    """
    if context.neighbours is None:
        raise ParameterError(
            "knn: expected the nearest neighbours in `context.neighbours`, got none"
        )
    share = fraud_neighbours(rows.y_observed, context.neighbours)
    return without(rows, np.where(rows.y_observed == 1, share < 0.5, share > 0.5))


NEAREST_NEIGHBOURS = Defence(
    "knn",
    "labels that most of the ten nearest neighbours contradict",
    drop_contradicted,
    needs=("neighbours",),
)
