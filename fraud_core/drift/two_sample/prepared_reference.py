"""A reference window, sorted and binned once and compared with many windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.two_sample.binned import bin_edges


@dataclass(frozen=True)
class PreparedReference:
    """A reference window, sorted and binned once for many current windows.

    Attributes
    ----------
    names
        The features in column order.
    columns
        The values of each feature that are there, ascending.
    n_rows
        Rows of the window, missing values included.
    edges, shares
        Bins of each feature and the share of the reference in each; the last share is that of
        missing values.
    """

    names: tuple[str, ...]
    columns: tuple[np.ndarray, ...]
    n_rows: int
    edges: tuple[np.ndarray, ...]
    shares: tuple[np.ndarray, ...]


def prepare_reference(rows: np.ndarray, names: Sequence[str], *, n_bins: int) -> PreparedReference:
    """Sort and bin a reference window of shape (n, n_features); NaN means missing.

    Raises
    ------
    ValueError
        When the window is empty, has another number of columns than names, or holds infinities.

    Examples
    --------
    >>> prepare_reference(np.array([[1.0], [np.nan]]), ["x"], n_bins=2).shares
    (array([0. , 0.5, 0. , 0.5]),)
    """
    columns = sorted_columns(rows, names, "reference")
    edges = tuple(bin_edges(column, n_bins) if len(column) else np.empty(0) for column in columns)
    counts = [
        binned_counts(column, cuts, len(rows)) for column, cuts in zip(columns, edges, strict=True)
    ]
    return PreparedReference(
        tuple(names), columns, len(rows), edges, tuple(c / len(rows) for c in counts)
    )


def sorted_columns(rows: np.ndarray, names: Sequence[str], window: str) -> tuple[np.ndarray, ...]:
    """The values of each column that are there, ascending.

    Parameters
    ----------
    rows
        Shape (n, n_features); NaN means missing.
    window
        What the rows are, for the words of an error.

    Raises
    ------
    ValueError
        When there is no row, another number of columns than names, or an infinity.

    Examples
    --------
    >>> sorted_columns(np.array([[2.0], [np.nan], [1.0]]), ["x"], "current")
    (array([1., 2.]),)
    """
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ValueError(f"{window}: expected {len(names)} columns, found shape {rows.shape}")
    if len(rows) == 0:
        raise ValueError(f"{window}: expected at least one row, found none")
    columns = np.sort(np.ascontiguousarray(rows.T), axis=1)
    present = len(rows) - np.isnan(columns).sum(axis=1)
    out = tuple(column[:n] for column, n in zip(columns, present, strict=True))
    for name, column in zip(names, out, strict=True):
        if len(column) and not (np.isfinite(column[0]) and np.isfinite(column[-1])):
            raise ValueError(
                f"{window}, {name}: expected finite values, found infinity; clean or drop those "
                "rows"
            )
    return out


def binned_counts(column: np.ndarray, edges: np.ndarray, n_rows: int) -> np.ndarray:
    """Rows in each bin, shape (n_bins + 1,); the last count is that of missing values.

    Parameters
    ----------
    column
        The values that are there, ascending; shape (n_present,).
    edges
        Inner edges, ascending; a value at an edge lies below it.
    n_rows
        Rows of the window, missing values included.

    Examples
    --------
    >>> binned_counts(np.array([1.0, 2.0, 3.0]), np.array([2.0]), 4).tolist()
    [2, 1, 1]
    """
    below = np.concatenate([[0], column.searchsorted(edges, side="right"), [len(column)]])
    return np.append(np.diff(below), n_rows - len(column))
