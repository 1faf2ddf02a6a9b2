"""Pockets of frauds that are alike: how many of each
survived symmetric flips, and how many the scan found again.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.attacks.label_flips import SYMMETRIC
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.run_results import RunResult


def pockets_found(
    pocket: np.ndarray, survivors: np.ndarray, recovered: np.ndarray
) -> list[tuple[int, float]]:
    """Of each pocket of frauds: how many survived with a
    fraud label, and the share of them that was recovered.

    Parameters
    ----------
    pocket
        Shape (n_samples,), number of the pocket of each fraud, −1 for other rows.
    survivors, recovered
        Rows, the second among the first.

    Examples
    --------
    >>> pockets_found(np.array([0, 0, 1, -1]), np.array([0, 1, 2]), np.array([0]))
    [(2, 0.5), (1, 0.0)]
    """
    pockets = []
    for number in range(int(pocket.max()) + 1):
        alive = int(np.sum(pocket[survivors] == number))
        if alive:
            pockets.append((alive, float(np.sum(pocket[recovered] == number) / alive)))
    return pockets


def fraud_pockets(
    features: np.ndarray, y_true: np.ndarray, *, n_pockets: int, seed: int
) -> np.ndarray:
    """Deal the frauds to pockets by k-means on
    standardised features; −1 for rows that are no frauds.

    Examples
    --------
    >>> fraud_pockets(np.array([[0.0], [9.0], [0.1]]), np.array([1, 1, 0]), n_pockets=2, seed=0)[2]
    np.int64(-1)
    """
    from sklearn.cluster import KMeans

    frauds = np.flatnonzero(y_true == 1)
    place = features[frauds] / np.maximum(features.std(axis=0), 1e-9)
    pocket = np.full(len(y_true), -1, dtype=np.int64)
    # scikit-learn has no stubs, and its default "auto" is no reason to take a text alone
    n_init = cast(Any, 10)
    means = KMeans(min(n_pockets, len(frauds)), n_init=n_init, random_state=seed)
    pocket[frauds] = means.fit_predict(place)
    return pocket


def pockets_by_rate(
    cells: Sequence[Cell],
    results: Sequence[RunResult],
    rows: Transactions,
    *,
    n_pockets: int,
    seed: int,
) -> dict[float, list[tuple[int, float]]]:
    """`pockets_found` of the first draw of each symmetric flip, by flip rate.

    Parameters
    ----------
    rows
        v0 with true labels.
    n_pockets, seed
        Of `fraud_pockets`.
    """
    pocket = fraud_pockets(rows.X, rows.y_observed, n_pockets=n_pockets, seed=seed)
    by_rate: dict[float, list[tuple[int, float]]] = {}
    for cell, result in zip(cells, results, strict=True):
        recovery = result.scan.recovery if result.scan is not None else None
        if cell.condition.attack == SYMMETRIC.name and recovery is not None:
            by_rate.setdefault(
                cell.condition.attack_rate,
                pockets_found(pocket, recovery.survivor_rows, recovery.recovered_rows),
            )
    return by_rate
