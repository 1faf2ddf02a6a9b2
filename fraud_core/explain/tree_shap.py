"""Explanation of many rows at once: one pass over the trees
gives contributions, and the log-odds they must add up to.
"""

from dataclasses import dataclass

import numpy as np

from fraud_core.model.estimators import FittedEstimator
from fraud_core.model.export import to_exported_model
from fraud_core.scoring.leaf_tables import LeafTables, build_leaf_tables
from fraud_core.scoring.oblivious_trees import ObliviousTrees

# One column of a block and its sums stay in the cache of a core while the trees pass over them.
ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Explained:
    """Rows with their exact contributions.

    Attributes
    ----------
    values
        Shape (n_samples, n_features), log-odds; above 0 towards fraud.
    log_odds
        Shape (n_samples,), log-odds of each row before calibration, summed from the leaves
        themselves.
    base
        Expected log-odds over the training rows.
    """

    values: np.ndarray
    log_odds: np.ndarray
    base: float

    @property
    def additivity_errors(self) -> np.ndarray:
        """Absolute difference between contributions plus
        base and the log-odds, shape (n_samples,).
        """
        return np.abs(self.values.sum(axis=1) + self.base - self.log_odds)


@dataclass(frozen=True)
class Explainer:
    """A model that can be explained: its trees, and
    what each of their leaves adds for each feature.
    """

    trees: ObliviousTrees
    tables: LeafTables

    def explain(self, features: np.ndarray) -> Explained:
        """Exact path-dependent SHAP values of rows.

        Parameters
        ----------
        features
            Shape (n_samples, n_features); compared as float32, as in training.

        Returns
        -------
        Explained
            The values are those of `fraud_core.scoring.leaf_tables.contributions`, to the bit.

        References
        ----------
        S. Lundberg et al. (2020), From local explanations to global understanding with explainable
        AI for trees.

        Examples
        --------
        >>> stump = ObliviousTrees(
        ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.25
        ... )
        >>> explained = Explainer(stump, build_leaf_tables(stump, np.array([[3.0, 1.0]]))).explain(
        ...     np.array([[0.0], [1.0]])
        ... )
        >>> explained.values.ravel().tolist(), explained.log_odds.tolist(), explained.base
        ([-0.5, 1.5], [-0.75, 1.25], -0.25)
        """
        rows = np.ascontiguousarray(features, dtype=np.float32)
        values, log_odds = np.empty(rows.shape), np.empty(len(rows))
        by_place = np.ascontiguousarray(self.tables.contribution.transpose(0, 2, 1))
        for start in range(0, len(rows), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            sums, log_odds[block] = self._add_up(np.ascontiguousarray(rows[block].T), by_place)
            values[block] = sums.T
        return Explained(values, log_odds, self.tables.base)

    def _add_up(self, columns: np.ndarray, by_place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contributions, shape (n_features, n_rows), and log-odds of one block given as columns."""
        n_rows = columns.shape[1]
        sums, log_odds = np.zeros(columns.shape), np.full(n_rows, self.trees.bias)
        leaf, added = np.empty(n_rows, dtype=np.intp), np.empty(n_rows)
        for tree, feature_index in enumerate(self.tables.feature_index.tolist()):
            leaf[:] = _leaves(columns, self.trees.feature[tree].tolist(), self.trees.border[tree])
            # a leaf number is never out of range; "clip" lets NumPy write into `added` without a
            # copy
            log_odds += np.take(self.trees.leaf_value[tree], leaf, out=added, mode="clip")
            for place, feature in enumerate(feature_index):
                if feature >= 0:
                    sums[feature] += np.take(by_place[tree, place], leaf, out=added, mode="clip")
        return sums, log_odds


def _leaves(columns: np.ndarray, feature: list[int], border: np.ndarray) -> np.ndarray:
    """Leaf of one tree for each row of a block; one byte a
    row up to eight levels, because bytes are added fastest.
    """
    leaf = np.zeros(columns.shape[1], dtype=np.uint8 if len(feature) <= 8 else np.uint16)
    for level in range(len(feature) - 1, -1, -1):
        leaf += leaf
        leaf |= columns[feature[level]] > border[level]
    return leaf


def build_explainer(fitted: FittedEstimator) -> Explainer:
    """The tables of a fitted estimator; to build them
    costs as much as to explain a few thousand rows.

    Raises
    ------
    ValueError
        When the estimator cannot be exported.

    Examples
    --------
    >>> from fraud_core.model.estimators import EstimatorConfig
    >>> X, y = np.array([[0.0], [1.0]] * 20), np.array([0, 1] * 20)
    >>> fitted = EstimatorConfig("catboost", {"iterations": 2}).fit(X, y)
    >>> bool(build_explainer(fitted).explain(X).additivity_errors.max() < 1e-9)
    True
    """
    exported = to_exported_model(fitted)
    return Explainer(exported.trees, build_leaf_tables(exported.trees, exported.leaf_weight))
