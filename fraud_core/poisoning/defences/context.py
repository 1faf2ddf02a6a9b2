"""The context of the defences, of which each part is computed when a defence first asks for it."""

from functools import cached_property

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.definition import DefenceContext
from fraud_core.poisoning.defences.nearest_neighbours import nearest_neighbours
from fraud_core.poisoning.detection.label_scan import detect
from fraud_core.poisoning.detection.out_of_fold import OutOfFold, out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import Quantised, quantise
from fraud_core.poisoning.detection.scan_findings import Scan


class LazyContext(DefenceContext):
    """A `DefenceContext` whose parts are computed at their first use; made by `defence_context`."""

    rows: Transactions
    seed: int

    __repr__ = object.__repr__  # that of a dataclass would compute every part

    def __init__(self, rows: Transactions, seed: int, source: np.ndarray | None) -> None:
        self.__dict__.update(rows=rows, seed=seed, source=source)

    @cached_property
    def quantised(self) -> Quantised:
        """The features in bins."""
        return quantise(self.rows.X)

    @cached_property
    def scores(self) -> OutOfFold:
        """Out-of-fold scores of the rows as seen."""
        return out_of_fold_scores(self.rows, seed=self.seed, quantised=self.quantised)

    @cached_property
    def scan(self) -> Scan:
        """The scan of the rows as seen; it asks for trusted frauds."""
        return detect(
            self.rows, self.scores, source=self.source, seed=self.seed, quantised=self.quantised
        )

    @cached_property
    def neighbours(self) -> np.ndarray:
        """Nearest rows of each row."""
        return nearest_neighbours(self.rows.X)[0]


def defence_context(
    rows: Transactions, *, seed: int, source: np.ndarray | None = None
) -> DefenceContext:
    """What the defences share, of which only what a defence asks for is computed.

    Parameters
    ----------
    rows
        Rows as seen, trusted labels in place.
    seed
        Of the out-of-fold scores and of the scan.
    source
        Shape (n_samples,), who gave each label, or None; that of the rows when None.

    Examples
    --------
    >>> rows = Transactions(np.arange(4.0)[:, None], np.array([0, 0, 1, 1]), np.ones(4))
    >>> defence_context(rows, seed=1).neighbours.shape
    (4, 3)
    """
    return LazyContext(rows, seed, rows.source if source is None else source)
