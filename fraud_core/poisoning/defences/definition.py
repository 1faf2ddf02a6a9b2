"""What a defence is: its name, what it needs, and the
function that says which rows are kept for training.

A defence has what a defender has: the last hours of v0 as trusted rows, whose labels were copied
before the attack. It touches no trusted row and never sees the sealed holdout.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.detection.out_of_fold import OutOfFold
from fraud_core.poisoning.detection.quantised_pool import Quantised
from fraud_core.poisoning.detection.scan_findings import Scan


@dataclass(frozen=True)
class DefenceContext:
    """What the defences share, computed once on the rows as seen.

    Attributes
    ----------
    scores, scan
        Of the rows as seen, from `out_of_fold_scores` and `detect`.
    quantised
        The features in bins.
    neighbours
        Shape (n_samples, k), nearest rows of each row, or None when no defence asks for them.
    source
        Shape (n_samples,), who gave each label, or None.
    """

    scores: OutOfFold
    scan: Scan
    quantised: Quantised
    neighbours: np.ndarray | None = None
    source: np.ndarray | None = None

    def has(self, part: str) -> bool:
        """Whether a part that a defence may need was computed."""
        return getattr(self, part) is not None


@dataclass(frozen=True)
class Defended:
    """Rows to train on.

    Attributes
    ----------
    rows
        Rows that are kept, with the labels to train on.
    flagged
        Shape (n_samples,), True for rows as seen that were removed or relabelled.
    kept_index
        Shape (n_kept,), place of each kept row among the rows as seen.
    """

    rows: Transactions
    flagged: np.ndarray
    kept_index: np.ndarray


@dataclass(frozen=True)
class Defence:
    """One way to clean training rows, seeded, that changes nothing in place.

    Attributes
    ----------
    name
        Stable; the name in params.yaml.
    words
        What it drops, on one line, for the documentation.
    clean
        ``clean(rows, context, seed)``: from rows as seen, trusted labels in place, to the rows to
        train on. Raises ParameterError when the context lacks what it needs.
    needs
        Parts of `DefenceContext` that are not always computed and that it cannot do without.
    """

    name: str
    words: str
    clean: Callable[[Transactions, DefenceContext, int], Defended]
    needs: tuple[str, ...] = ()


def without(rows: Transactions, flagged: np.ndarray) -> Defended:
    """The rows without those that are flagged; a trusted row is never flagged.

    Parameters
    ----------
    flagged
        Shape (n_samples,), bool.

    Examples
    --------
    >>> rows = Transactions(
    ...     np.zeros((2, 1)), np.array([0, 1]), np.ones(2), is_trusted=np.array([False, True])
    ... )
    >>> without(rows, np.array([True, True])).kept_index
    array([1])
    """
    flagged = flagged & ~rows.is_trusted
    kept = np.flatnonzero(~flagged)
    return Defended(rows.take(kept), flagged, kept)


def with_trusted_labels(seen: Transactions, y_trusted: np.ndarray) -> Transactions:
    """The rows as seen, with the trusted labels instead of those of the validation hours.

    Parameters
    ----------
    seen
        Rows as the trainer sees them.
    y_trusted
        Shape (n_trusted,), labels of the rows that ``seen.is_trusted`` marks, copied before the
        attack.

    Raises
    ------
    ParameterError
        When there is not exactly one trusted label for each marked row.

    Examples
    --------
    >>> rows = Transactions(
    ...     np.zeros((2, 1)), np.array([0, 0]), np.ones(2), is_trusted=np.array([False, True])
    ... )
    >>> with_trusted_labels(rows, np.array([1])).y_observed
    array([0, 1])
    """
    if len(y_trusted) != int(seen.is_trusted.sum()):
        raise ParameterError(
            f"trusted labels: expected {int(seen.is_trusted.sum())}, one for each trusted row, got "
            f"{len(y_trusted)}; trusted and training rows must not overlap"
        )
    y = seen.y_observed.copy()
    y[seen.is_trusted] = y_trusted
    return seen.with_labels(y)
