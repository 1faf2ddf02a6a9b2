"""The verdict on a window of counts: every variable
against the reference, under one false discovery rate.

Needs NumPy alone, as the monitor does.
"""

from dataclasses import dataclass, replace

import numpy as np

from fraud_core.drift.monitoring.reference_histogram import Reference
from fraud_core.drift.two_sample.binned import (
    BinnedDrift,
    State,
    benjamini_hochberg,
    compare_counts,
)

WORST_FIRST: tuple[State, ...] = ("material", "significant", "stable", "insufficient_data")


@dataclass(frozen=True)
class WindowVerdict:
    """What a window says.

    Attributes
    ----------
    state
        The worst of the variables; ``insufficient_data`` when the window holds too few rows to say.
    rows
        Rows in the window.
    variables
        Each variable with its index, interval and p-value (Benjamini–Hochberg over the variables);
        empty with insufficient data. A variable whose reference lacks an hour of the window is left
        out.
    material
        Names of the variables that reached the practical-significance threshold.
    """

    state: State
    rows: int
    variables: dict[str, BinnedDrift]
    material: tuple[str, ...]


def evaluate_window(
    reference: Reference,
    counts: np.ndarray,
    stratum_rows: np.ndarray,
    *,
    minimum_rows: int,
    psi_threshold: float,
    alpha: float,
) -> WindowVerdict:
    """The verdict on a window of counts, shape (n_cells,),
    with so many rows in each stratum, shape (n_strata,).

    Examples
    --------
    >>> from fraud_core.drift.monitoring.reference_histogram import build_reference
    >>> reference = build_reference(np.arange(1000.0)[:, None], ["x"], n_bins=4)
    >>> evaluate_window(
    ...     reference,
    ...     np.array([3, 1, 1, 1, 0]),
    ...     np.array([6]),
    ...     minimum_rows=200,
    ...     psi_threshold=0.1,
    ...     alpha=0.05,
    ... ).state
    'insufficient_data'
    """
    n_rows = int(stratum_rows.sum())
    if n_rows < minimum_rows:
        return WindowVerdict("insufficient_data", n_rows, {}, ())
    compared: dict[str, BinnedDrift] = {}
    for k, name in enumerate(reference.names):
        shares, rows = reference.expected(k, stratum_rows)
        if rows >= minimum_rows:
            compared[name] = compare_counts(shares, rows, counts[reference.cells(k)])
    if not compared:
        return WindowVerdict("insufficient_data", n_rows, {}, ())
    adjusted = benjamini_hochberg(np.array([drift.p_value for drift in compared.values()]))
    variables = {
        name: replace(drift, p_value=float(p_value))
        for (name, drift), p_value in zip(compared.items(), adjusted, strict=True)
    }
    states = {
        name: drift.state(psi_threshold=psi_threshold, alpha=alpha)
        for name, drift in variables.items()
    }
    material = tuple(name for name, state in states.items() if state == "material")
    worst: State = next(state for state in WORST_FIRST if state in states.values())
    return WindowVerdict(worst, n_rows, variables, material)
