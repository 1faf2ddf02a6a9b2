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


def clusters_found(
    cluster: np.ndarray, retained_frauds: np.ndarray, recovered: np.ndarray
) -> list[tuple[int, float]]:
    """Of each cluster of frauds: how many survived with a
    fraud label, and the share of them that was recovered.

    Parameters
    ----------
    cluster
        Shape (n_samples,), number of the cluster of each fraud, −1 for other rows.
    retained_frauds, recovered
        Rows, the second among the first.

    Examples
    --------
    >>> clusters_found(np.array([0, 0, 1, -1]), np.array([0, 1, 2]), np.array([0]))
    [(2, 0.5), (1, 0.0)]
    """
    clusters = []
    for number in range(int(cluster.max()) + 1):
        alive = int(np.sum(cluster[retained_frauds] == number))
        if alive:
            clusters.append((alive, float(np.sum(cluster[recovered] == number) / alive)))
    return clusters


def fraud_clusters(
    features: np.ndarray, y_true: np.ndarray, *, n_clusters: int, seed: int
) -> np.ndarray:
    """Deal the frauds to clusters by k-means on
    standardised features; −1 for rows that are no frauds.

    Examples
    --------
    >>> fraud_clusters(np.array([[0.0], [9.0], [0.1]]), np.array([1, 1, 0]), n_clusters=2, seed=0)[
    ...     2
    ... ]
    np.int64(-1)
    """
    from sklearn.cluster import KMeans

    frauds = np.flatnonzero(y_true == 1)
    place = features[frauds] / np.maximum(features.std(axis=0), 1e-9)
    cluster = np.full(len(y_true), -1, dtype=np.int64)
    # scikit-learn has no stubs, and its default "auto" is no reason to take a text alone
    n_init = cast(Any, 10)
    means = KMeans(min(n_clusters, len(frauds)), n_init=n_init, random_state=seed)
    cluster[frauds] = means.fit_predict(place)
    return cluster


def clusters_by_rate(
    cells: Sequence[Cell],
    results: Sequence[RunResult],
    rows: Transactions,
    *,
    n_clusters: int,
    seed: int,
) -> dict[float, list[tuple[int, float]]]:
    """`clusters_found` of the first draw of each symmetric flip, by flip rate.

    Parameters
    ----------
    rows
        v0 with true labels.
    n_clusters, seed
        Of `fraud_clusters`.
    """
    cluster = fraud_clusters(rows.X, rows.y_observed, n_clusters=n_clusters, seed=seed)
    by_rate: dict[float, list[tuple[int, float]]] = {}
    for cell, result in zip(cells, results, strict=True):
        recovery = result.scan.recovery if result.scan is not None else None
        if cell.condition.attack == SYMMETRIC.name and recovery is not None:
            by_rate.setdefault(
                cell.condition.attack_rate,
                clusters_found(cluster, recovery.survivor_rows, recovery.recovered_rows),
            )
    return by_rate
