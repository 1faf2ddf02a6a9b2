"""The scorer that is served: oblivious trees evaluated
by NumPy alone, and the calibration that follows them.

In an oblivious tree all nodes of one level ask the same question, so a tree of depth d is d
comparisons that form the bits of a leaf number. The same code scores one request and a million
rows, so that both give the same bytes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class ObliviousTrees:
    """A sum of oblivious decision trees.

    Attributes
    ----------
    feature
        Shape (n_trees, depth), column that level asks about.
    border
        Shape (n_trees, depth), float32; a bit is set when the value is larger. Levels that a
        shallower tree lacks have an infinite border, so their bit is never set.
    leaf_value
        Shape (n_trees, 2 ** depth), log-odds that a leaf adds.
    bias
        Log-odds of an empty sum.
    """

    feature: np.ndarray
    border: np.ndarray
    leaf_value: np.ndarray
    bias: float

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Log-odds before calibration.

        Parameters
        ----------
        features
            Shape (n_samples, n_features); compared as float32, as in training.

        Returns
        -------
        numpy.ndarray
            Shape (n_samples,), float64.

        Examples
        --------
        >>> stump = ObliviousTrees(
        ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.25
        ... )
        >>> stump.log_odds(np.array([[0.0], [1.0]]))
        array([-0.75,  1.25])
        """
        values = np.ascontiguousarray(features, dtype=np.float32)
        out = np.empty(len(values))
        for start in range(0, len(values), ROWS_AT_ONCE):
            out[start : start + ROWS_AT_ONCE] = self._sum_leaves(
                values[start : start + ROWS_AT_ONCE]
            )
        return out

    def _sum_leaves(self, values: np.ndarray) -> np.ndarray:
        n_trees, depth = self.feature.shape
        leaf: NDArray[np.intp] = np.zeros((len(values), n_trees), dtype=np.intp)
        for level in range(depth):
            leaf |= (values[:, self.feature[:, level]] > self.border[:, level]).astype(
                np.intp
            ) << level
        leaf += np.arange(n_trees, dtype=np.intp) << depth
        return self.bias + self.leaf_value.ravel()[leaf].sum(axis=1)


@dataclass(frozen=True)
class Calibration:
    """Logistic (Platt) calibration: 1 / (1 + exp(−(slope · log_odds + intercept)))."""

    slope: float
    intercept: float

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """Probability of fraud in [0, 1] from log-odds, shape (n_samples,).

        Examples
        --------
        >>> Calibration(1.0, 0.0).probability(np.array([0.0]))
        array([0.5])
        """
        z = np.clip(self.slope * log_odds + self.intercept, -700.0, 700.0)
        return 1.0 / (1.0 + np.exp(-z))
