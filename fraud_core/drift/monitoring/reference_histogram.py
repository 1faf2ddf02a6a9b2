"""What a window is compared with: bins of each variable
and the share of the reference in each, by hour if wished.

Every bin is closed on the right; a variable has one more bin for missing values, so that NaN is
counted and not lost.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fraud_core.drift.two_sample.binned import bin_edges
from fraud_core.errors import BundleError

SCORE = "score"
DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Reference:
    """Bins and counts of the reference, flat over the variables.

    Attributes
    ----------
    names
        The variables in column order; the score comes last when it is watched.
    edges
        Inner edges of each variable, ascending; k edges make k + 1 bins and one for missing values.
    counts
        Shape (n_strata, n_cells), rows of the reference in each cell (a bin of a variable). One
        stratum for a reference that does not know hours, 24 for one hour each.
    """

    names: tuple[str, ...]
    edges: tuple[np.ndarray, ...]
    counts: np.ndarray

    @cached_property
    def first_cell(self) -> np.ndarray:
        """First cell of each variable and, last, the number of cells; shape (n_variables + 1,)."""
        return np.concatenate([[0], np.cumsum([len(edges) + 2 for edges in self.edges])])

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits over names, edges and
        counts: windows add up only under the same reference.
        """
        digest = hashlib.sha256("\n".join(self.names).encode())
        for part in (*self.edges, self.counts):
            digest.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def _cuts(self) -> list[np.ndarray]:
        return [np.append(edges, np.inf) for edges in self.edges]

    def cells(self, variable: int) -> slice:
        """The cells of one variable."""
        return slice(self.first_cell[variable], self.first_cell[variable + 1])

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Count rows, shape (n, n_variables), into cells; shape (n_cells,), whole numbers.

        Examples
        --------
        >>> build_reference(np.array([[0.0], [1.0]]), ["x"], n_bins=2).count(
        ...     np.array([[0.0], [5.0], [np.nan]])
        ... )
        array([1, 1, 1])
        """
        # NaN sorts to the end, behind infinity; one sort is cheaper than a search for each value
        columns = np.sort(rows.T, axis=1)
        out = np.empty(self.first_cell[-1], dtype=np.int64)
        for k, (start, end) in enumerate(
            zip(self.first_cell[:-1], self.first_cell[1:], strict=True)
        ):
            below = columns[k].searchsorted(self._cuts[k], side="right")
            out[start] = below[0]
            out[start + 1 : end - 1] = below[1:] - below[:-1]
            out[end - 1] = len(rows) - below[-1]
        return out

    def expected(self, variable: int, stratum_rows: np.ndarray) -> tuple[np.ndarray, float]:
        """Shares of one variable for a window with so many
        rows in each stratum, and the rows they rest on.

        Returns
        -------
        shares, rows
            Rows is 0 when the reference holds nothing in a stratum that the window has.
        """
        counts = self.counts[:, self.cells(variable)]
        in_stratum = counts.sum(axis=1)
        weight = stratum_rows / stratum_rows.sum()
        present = weight > 0
        if np.any(in_stratum[present] == 0):
            return np.zeros(counts.shape[1]), 0.0
        shares = (weight[present] / in_stratum[present]) @ counts[present]
        return shares, float(1 / np.sum(weight[present] ** 2 / in_stratum[present]))


def build_reference(
    rows: np.ndarray, names: Sequence[str], *, n_bins: int, hour: np.ndarray | None = None
) -> Reference:
    """Bin the rows of a reference.

    Parameters
    ----------
    rows
        Shape (n, n_variables), float; NaN is allowed as long as a column holds another value.
    names
        The variables, in column order.
    n_bins
        Bins of each variable, cut at its quantiles, before equal edges are merged.
    hour
        Shape (n,), hour of the day of each row, 0 to 23; then windows are compared with the same
        hours.

    Raises
    ------
    ValueError
        When a column holds no value at all.

    Examples
    --------
    >>> build_reference(np.arange(100.0)[:, None], ["x"], n_bins=4).counts
    array([[25, 25, 25, 25,  0]])
    """
    values = np.asarray(rows, dtype=np.float64)
    for k, name in enumerate(names):
        if not np.isfinite(values[:, k]).any():
            raise ValueError(
                f"{name}: expected values in the reference, found none; drop the column"
            )
    edges = tuple(bin_edges(column[np.isfinite(column)], n_bins) for column in values.T)
    empty = Reference(tuple(names), edges, np.zeros((1, 0)))
    parts = [values] if hour is None else [values[hour == h] for h in range(24)]
    return Reference(tuple(names), edges, np.array([empty.count(part) for part in parts]))


def reference_of_bundle(described: Mapping[str, Any], feature_names: Sequence[str]) -> Reference:
    """The reference of a served bundle: its features in the model's order, and the score.

    Parameters
    ----------
    described
        reference.json: ``features`` and ``score`` with edges, shares and rows; ``by_hour``, when it
        is there, holds counts of shape (24, bins + 1) for each name, those without a value in the
        last column.
    feature_names
        ``contract.model_features``.

    Raises
    ------
    BundleError
        When a feature is missing or its edges and shares do not fit.

    Examples
    --------
    >>> x = {"edges": [0.0], "shares": [0.25, 0.75], "rows": 8}
    >>> reference_of_bundle({"features": {"x": x}, "score": x}, ["x"]).counts
    array([[2, 6, 0, 2, 6, 0]])
    """
    known = {**described["features"], SCORE: described["score"]}
    names = (*feature_names, SCORE)
    for name in names:
        if name not in known or len(known[name]["shares"]) != len(known[name]["edges"]) + 1:
            raise BundleError(
                f"reference.json, {name}: expected edges and one share more; make the bundle again"
            )
    edges = tuple(np.asarray(known[name]["edges"], dtype=np.float64) for name in names)
    if described.get("by_hour"):
        counts = np.concatenate(
            [_hourly(described["by_hour"], name, len(known[name]["edges"])) for name in names],
            axis=1,
        )
    else:
        rounded = [
            np.rint(np.asarray(known[n]["shares"]) * known[n]["rows"]).astype(np.int64)
            for n in names
        ]
        missing = [known[name].get("missing", 0) for name in names]
        counts = np.concatenate(
            [[*part, none] for part, none in zip(rounded, missing, strict=True)]
        )[None]
    return Reference(names, edges, counts)


def _hourly(by_hour: Mapping[str, Any], name: str, n_edges: int) -> np.ndarray:
    counts = np.asarray(by_hour.get(name, ()), dtype=np.int64)
    if counts.shape != (24, n_edges + 2):
        raise BundleError(
            f"reference.json, by_hour of {name}: expected counts for 24 hours and each bin; make "
            "it again"
        )
    return counts
