"""Exact Shapley contributions by look-up.

In an oblivious tree the path-dependent Shapley contributions of a row depend on nothing but its
leaf, so they are worked out once for each leaf. To explain a row is then to find its leaves, which
scoring does anyhow, and to add up.
"""

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from fraud_core.scoring.oblivious_trees import ObliviousTrees

ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class LeafTables:
    """Contributions of each leaf of each tree to the log-odds.

    Attributes
    ----------
    feature_index
        Shape (n_trees, depth), int32: the distinct features of a tree, then −1 in the places that
        are left over.
    contribution
        Shape (n_trees, 2 ** depth, depth): what a leaf adds for each of them; 0 in the places that
        are left over.
    base
        Expected log-odds over the training rows: contributions and base add up to the log-odds.
    """

    feature_index: np.ndarray
    contribution: np.ndarray
    base: float


def build_leaf_tables(trees: ObliviousTrees, leaf_weight: np.ndarray) -> LeafTables:
    """Contributions of every leaf, by exact path-dependent TreeSHAP.

    Parameters
    ----------
    trees
        A fitted model.
    leaf_weight
        Shape (n_trees, 2 ** depth), total weight of the training rows in each leaf.

    Raises
    ------
    ValueError
        When the weights do not fit the trees, or a tree has no weight at all.

    Notes
    -----
    For a set S of known features the value of a tree is its expectation when the levels that ask
    about S follow the row and the others average both children by training weight. All 2 ** depth
    sets of all trees are computed at once, level by level from the leaves to the root. Below a node
    that no training row reached both children count alike.

    References
    ----------
    S. Lundberg et al. (2020), From local explanations to global understanding with explainable AI
    for trees, algorithm 1 (path-dependent expectation).

    Examples
    --------
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.25
    ... )
    >>> tables = build_leaf_tables(stump, np.array([[3.0, 1.0]]))
    >>> tables.base, tables.contribution.ravel().tolist()
    (-0.25, [-0.5, 1.5])
    """
    n_trees, depth = trees.feature.shape
    if leaf_weight.shape != trees.leaf_value.shape or not (leaf_weight.sum(axis=1) > 0).all():
        raise ValueError(
            f"leaf_weight: expected shape {trees.leaf_value.shape} with a positive sum for each "
            "tree, got "
            f"{leaf_weight.shape}"
        )
    slot, feature_index = _feature_indices(trees)
    places = np.arange(2**depth, dtype=np.intp)[:, None]
    known: NDArray[np.bool_] = (places >> np.arange(depth, dtype=np.intp)) & 1 == 1
    value = _expectations(trees.leaf_value, leaf_weight, slot, known)
    contribution = np.zeros((n_trees, 2**depth, depth))
    size: NDArray[np.intp] = known.sum(axis=1)
    for k in range(depth):
        without = np.flatnonzero(~known[:, k])
        weight = np.array(
            [factorial(s) * factorial(depth - s - 1) / factorial(depth) for s in size[without]]
        )
        contribution[:, :, k] = np.einsum(
            "s,tsl->tl", weight, value[:, without | (1 << k)] - value[:, without]
        )
    contribution *= (feature_index >= 0)[:, None, :]
    return LeafTables(feature_index, contribution, float(trees.bias + value[:, 0, 0].sum()))


def _feature_indices(trees: ObliviousTrees) -> tuple[np.ndarray, np.ndarray]:
    """The place of each level's feature among the
    distinct features of its tree, and those features.
    """
    n_trees, depth = trees.feature.shape
    slot, feature_index = (
        np.zeros((n_trees, depth), dtype=np.intp),
        np.full((n_trees, depth), -1, dtype=np.int32),
    )
    for tree in range(n_trees):
        # a level that a shallower tree lacks never decides, so it may go with any feature of the
        # tree
        taken = np.isfinite(trees.border[tree])
        distinct, place = np.unique(trees.feature[tree, taken], return_inverse=True)
        slot[tree, taken], feature_index[tree, : len(distinct)] = place, distinct
    return slot, feature_index


def _expectations(
    leaf_value: np.ndarray, leaf_weight: np.ndarray, slot: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Value of each set of known features for each leaf, shape (n_trees, n_sets, n_leaves)."""
    n_trees, n_leaves = leaf_value.shape
    value = np.broadcast_to(leaf_value[:, None, :], (n_trees, len(known), n_leaves)).copy()
    weight = leaf_weight.astype(np.float64)
    leaf = np.arange(n_leaves, dtype=np.intp)
    for level in range(slot.shape[1]):
        other = leaf ^ (1 << level)
        both = weight + weight[:, other]
        share = np.divide(weight, both, out=np.full_like(weight, 0.5), where=both > 0)
        average = share[:, None, :] * value + (1 - share)[:, None, :] * value[:, :, other]
        follows = known[:, slot[:, level]].T
        value = np.where(follows[:, :, None], value, average)
        weight = both
    return value


def contributions(trees: ObliviousTrees, tables: LeafTables, features: np.ndarray) -> np.ndarray:
    """Contribution of each feature to the log-odds of each row, in log-odds.

    Parameters
    ----------
    features
        Shape (n_samples, n_features); compared as float32, as in training.

    Returns
    -------
    numpy.ndarray
        Shape (n_samples, n_features), float64; its rows and ``tables.base`` add up to
        ``trees.log_odds(features)``.

    Examples
    --------
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.25
    ... )
    >>> contributions(
    ...     stump, build_leaf_tables(stump, np.array([[3.0, 1.0]])), np.array([[0.0], [1.0]])
    ... )
    array([[-0.5],
           [ 1.5]])
    """
    values = np.ascontiguousarray(features, dtype=np.float32)
    out = np.empty(values.shape)
    by_place = np.ascontiguousarray(tables.contribution.transpose(0, 2, 1))
    for start in range(0, len(values), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        out[block] = _explain(
            trees, tables.feature_index, by_place, np.ascontiguousarray(values[block].T)
        ).T
    return out


def _explain(
    trees: ObliviousTrees, feature_index: np.ndarray, by_place: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Contributions of one block, shape (n_features, n_rows), from features of the same shape."""
    out = np.zeros(columns.shape)
    for tree in range(len(trees.feature)):
        leaf = np.zeros(columns.shape[1], dtype=np.intp)
        for level, (feature, border) in enumerate(
            zip(trees.feature[tree], trees.border[tree], strict=True)
        ):
            leaf += (columns[feature] > border).astype(np.intp) << level
        for place, feature in enumerate(feature_index[tree]):
            if feature >= 0:
                out[feature] += by_place[tree, place].take(leaf)
    return out
