"""The vote of models that learnt from disjoint parts
of the data, and how many label flips it withstands.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PartitionEnsemble:
    """Logistic models of disjoint parts, and the log-odds from which each votes fraud.

    Attributes
    ----------
    weights
        Shape (k, n_features + 1), on standardised features; the last column is the intercept.
        Features that may be NaN have weight 0.
    limits
        Shape (k,), log-odds from which a part votes fraud; chosen on that part alone.
    centre, scale
        Shape (n_features,), of the standardisation. They depend on features, not on labels.
    """

    weights: np.ndarray
    limits: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    def votes(self, features: np.ndarray) -> np.ndarray:
        """How many parts vote fraud, shape (n_samples,), from 0 to k."""
        place = np.clip((features - self.centre) / self.scale, -20, 20)
        if np.isnan(place).any():
            place = np.where(self.weights[:, :-1].any(axis=0), place, 0.0)
        log_odds = place @ self.weights[:, :-1].T + self.weights[:, -1]
        return (log_odds >= self.limits).sum(axis=1)


def certified_flips(votes: np.ndarray, k: int) -> np.ndarray:
    """Label flips that cannot change a vote, shape (n_samples,): floor((g − 1) / 2) at vote gap g.

    References
    ----------
    A. Levine and S. Feizi (2021), Deep partition aggregation: provable defenses against general
    poisoning attacks, theorem 1.

    Examples
    --------
    >>> certified_flips(np.array([25, 13, 0]), 25)
    array([12,  0, 12])
    """
    gap = np.abs(2 * votes - k)
    return (gap - 1) // 2
