"""Many rows by oblivious trees in compiled code, on all threads, equal to the bit to NumPy's.

Sums are made in the order of NumPy's pairwise sum and without fused multiply-add, so that a batch
and a request give the same probability, whoever scores it.
"""

import numba
import numpy as np

from fraud_core.scoring.oblivious_trees import ObliviousTrees

BLOCK = 128  # NumPy's: longer sums are halved at a multiple of eight
UNROLLED = 8
SUM = numba.float64(numba.float64[::1], numba.int64, numba.int64)


@numba.njit(SUM, cache=True, nogil=True)
def _pairwise_sum(values: np.ndarray, start: int, n: int) -> float:
    """The sum of ``values[start : start + n]`` in NumPy's order."""
    if n < UNROLLED:
        total = -0.0
        for i in range(start, start + n):
            total += values[i]
        return total
    if n <= BLOCK:
        a, b, c, d = values[start], values[start + 1], values[start + 2], values[start + 3]
        e, f, g, h = values[start + 4], values[start + 5], values[start + 6], values[start + 7]
        whole = n - n % UNROLLED
        for i in range(start + UNROLLED, start + whole, UNROLLED):
            a += values[i]
            b += values[i + 1]
            c += values[i + 2]
            d += values[i + 3]
            e += values[i + 4]
            f += values[i + 5]
            g += values[i + 6]
            h += values[i + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
        for i in range(start + whole, start + n):
            total += values[i]
        return total
    half = n // 2
    half -= half % UNROLLED
    return _pairwise_sum(values, start, half) + _pairwise_sum(values, start + half, n - half)


@numba.njit(cache=True, parallel=True)
def _log_odds(
    values: np.ndarray,
    feature: np.ndarray,
    border: np.ndarray,
    leaf_value: np.ndarray,
    bias: float,
    out: np.ndarray,
    rows_at_once: int,
) -> None:
    n_trees, depth = feature.shape
    for chunk in numba.prange((len(values) + rows_at_once - 1) // rows_at_once):
        chosen = np.empty(n_trees)
        for row in range(chunk * rows_at_once, min((chunk + 1) * rows_at_once, len(values))):
            for tree in range(n_trees):
                leaf = 0
                for level in range(depth):
                    larger = values[row, feature[tree, level]] > border[tree, level]
                    leaf |= np.int64(larger) << level  # no branch: the answers follow no pattern
                chosen[tree] = leaf_value[tree, leaf]
            out[row] = bias + _pairwise_sum(chosen, 0, n_trees)


def log_odds_of_many(trees: ObliviousTrees, values: np.ndarray) -> np.ndarray:
    """Log-odds before calibration, to the bit `ObliviousTrees.log_odds`.

    Parameters
    ----------
    values
        Shape (n_samples, n_features), float32; NaN where nothing is known.

    Returns
    -------
    numpy.ndarray
        Shape (n_samples,), float64.

    Examples
    --------
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.25
    ... )
    >>> log_odds_of_many(stump, np.array([[0.0], [1.0]], "f4"))
    array([-0.75,  1.25])
    """
    out = np.empty(len(values))
    _log_odds(
        np.ascontiguousarray(values, dtype=np.float32),
        np.ascontiguousarray(trees.feature, dtype=np.int64),
        np.ascontiguousarray(trees.border, dtype=np.float32),
        np.ascontiguousarray(trees.leaf_value, dtype=np.float64),
        float(trees.bias),
        out,
        4096,
    )
    return out
