"""One row, fast: the same bytes as the batch scorer, with all levels of all trees compared at once.

A request holds one row, so NumPy's time is in its calls and not in its numbers. The levels of a
tree are padded to whole bytes; one comparison answers every question and the packed answers are the
leaf numbers.
"""

import numpy as np

from fraud_core.scoring.leaf_tables import LeafTables
from fraud_core.scoring.oblivious_trees import Calibration, ObliviousTrees


class RowScorer:
    """Scores and explains single rows of one model.

    Parameters
    ----------
    trees, tables, calibration
        The parts of one model.
    n_features
        Columns of a row.

    Examples
    --------
    >>> from fraud_core.scoring.leaf_tables import build_leaf_tables
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.25
    ... )
    >>> scorer = RowScorer(
    ...     stump, build_leaf_tables(stump, np.ones((1, 2))), Calibration(1.0, -1.25), 1
    ... )
    >>> scorer.probability(np.array([1.0]))
    0.5
    >>> scorer.explain(np.array([1.0]))[1]
    array([1.])
    """

    def __init__(
        self, trees: ObliviousTrees, tables: LeafTables, calibration: Calibration, n_features: int
    ) -> None:
        n_trees, depth = trees.feature.shape
        width = 8 if depth <= 8 else 16
        if depth > width:
            raise ValueError(f"depth: expected at most {width} levels, got {depth}")
        feature = np.zeros((n_trees, width), dtype=np.intp)
        border = np.full((n_trees, width), np.inf, dtype=np.float32)
        feature[:, :depth], border[:, :depth] = trees.feature, trees.border
        self._feature, self._border = feature.ravel(), border.ravel()
        self._leaf_number = np.dtype("u1") if width == 8 else np.dtype("<u2")
        self._first_leaf = np.arange(n_trees, dtype=np.intp) << depth
        self._leaf_value, self._bias = trees.leaf_value.ravel(), trees.bias
        self._slope, self._intercept = calibration.slope, calibration.intercept
        self._n_features = n_features
        # places that are left over hold 0, so any feature may take them
        self._feature_index = np.maximum(tables.feature_index, 0).astype(np.intp).ravel()
        self._contribution = np.ascontiguousarray(
            tables.contribution.reshape(n_trees << depth, depth)
        )

    def leaves(self, values: np.ndarray) -> np.ndarray:
        """Leaf of each tree, counted over all trees, shape
        (n_trees,), from a row of shape (n_features,).
        """
        bits = values.astype(np.float32).take(self._feature) > self._border
        return np.packbits(bits, bitorder="little").view(self._leaf_number) + self._first_leaf

    def log_odds(self, values: np.ndarray) -> float:
        """Log-odds of one row before calibration, to the bit ``ObliviousTrees.log_odds``."""
        return self._log_odds(self.leaves(values))

    def log_odds_with(self, values: np.ndarray, feature: int, others: np.ndarray) -> np.ndarray:
        """Margins of one row with one feature replaced,
        equal to the bit to `log_odds` of each such row.

        Parameters
        ----------
        values
            Shape (n_features,).
        feature
            Column that is replaced.
        others
            What it is replaced by, shape (n_others,).

        Returns
        -------
        numpy.ndarray
            Shape (n_others,), log-odds before calibration.
        """
        bits = np.empty((len(others), len(self._feature)), dtype=bool)
        bits[:] = values.astype(np.float32).take(self._feature) > self._border
        asked = np.flatnonzero(self._feature == feature)
        bits[:, asked] = others.astype(np.float32)[:, None] > self._border[asked]
        leaves = (
            np.packbits(bits, axis=1, bitorder="little").view(self._leaf_number) + self._first_leaf
        )
        return self._bias + np.add.reduce(self._leaf_value.take(leaves), axis=1)

    def probability(self, values: np.ndarray) -> float:
        """Calibrated probability of fraud of one row of
        shape (n_features,), equal to the bit to the batch's.
        """
        return self._calibrated(self._log_odds(self.leaves(values)))

    def explain(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Probability of one row, and the contribution of
        each feature to its log-odds, (n_features,).
        """
        leaves = self.leaves(values)
        added = self._contribution.take(leaves, axis=0).ravel()
        return self._calibrated(self._log_odds(leaves)), np.bincount(
            self._feature_index, added, self._n_features
        )

    def _log_odds(self, leaves: np.ndarray) -> float:
        return float(self._bias + np.add.reduce(self._leaf_value.take(leaves)))

    def _calibrated(self, log_odds: float) -> float:
        z = min(max(self._slope * log_odds + self._intercept, -700.0), 700.0)
        return float(1.0 / (1.0 + np.exp(-z)))
