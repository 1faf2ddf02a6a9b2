"""What a drift statistic is: a distance between one feature in two windows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fraud_core.drift.two_sample.distances import largest_distance


@dataclass(frozen=True)
class FeaturePair:
    """One feature in a reference and a current window.

    Attributes
    ----------
    reference, current
        The values that are there, ascending; empty for a category.
    reference_shares, current_shares
        Share of the rows in each bin or category, the last that of missing values; each sums to 1.
    """

    reference: np.ndarray
    current: np.ndarray
    reference_shares: np.ndarray
    current_shares: np.ndarray

    @property
    def has_values(self) -> bool:
        """Whether both windows hold a value."""
        return bool(len(self.reference) and len(self.current))

    @cached_property
    def kolmogorov_smirnov(self) -> float:
        """Largest distance of the two empirical distributions, in [0, 1]; see `has_values`."""
        return largest_distance(self.reference, self.current)


@dataclass(frozen=True)
class DriftStatistic:
    """A distance that describes a feature and decides nothing.

    Attributes
    ----------
    name
        As in the study's table and in ``drift --json``.
    label
        The head of a column, with its unit where it has one.
    words
        What it measures, with its range; for the documentation.
    measure
        From a pair that holds values, or shares.
    of_categories
        Whether it is defined for categories, of their shares alone; else it is 0 for them.
    """

    name: str
    label: str
    words: str
    measure: Callable[[FeaturePair], float]
    of_categories: bool = False
