"""Cells of the study: which condition is drawn and
fitted with which seeds, and what all of them share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.nearest_neighbours import nearest_neighbours
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import Quantised, quantise
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition

N_SOURCES = 6


@dataclass(frozen=True)
class Cell:
    """One draw of a condition, with the seeds of the draw and of the fit.

    A null run that is not `scanned` is trained only.
    """

    condition: Condition
    attack_seed: int
    fit_seed: int
    scanned: bool = True

    @property
    def name(self) -> str:
        """Stable name, such as ``legit_to_fraud.8.seed1``."""
        return f"{self.condition.key}.seed{self.attack_seed}"


@dataclass(frozen=True)
class Inputs:
    """What every cell shares; computed once, because flips move no row.

    Attributes
    ----------
    rows
        v0 with true labels.
    holdout_features
        Features of v1; its labels are not here at all.
    log_odds
        Shape (n_samples,), out-of-fold log-odds of a model of clean v0: what an attacker at the
        boundary knows.
    neighbours, distance
        From `nearest_neighbours`; empty when no defence asks for them.
    bins
        Settings of the estimator that say how features are cut into bins.
    """

    rows: Transactions
    holdout_features: np.ndarray
    log_odds: np.ndarray
    neighbours: np.ndarray
    distance: np.ndarray
    bins: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def quantised(self) -> Quantised:
        """The features of v0 in bins, made once in each process."""
        return quantise(self.rows.X, self.bins)


def grid(
    rates: Mapping[str, Sequence[float]],
    *,
    n_seeds: int,
    n_null_runs: int,
    seed: int,
    n_scanned: int | None = None,
) -> list[Cell]:
    """The cells of a study: clean trainings, the null run, then attack by rate by seed.

    The draw k of an attack is fitted with seed k, and so is the clean training that it is compared
    with: one clean fit may be a lucky one, and its luck would be in every figure. A null run
    training is clean too: it has another seed and leaves out a random tenth of the rows of each
    class, so it shows how far the result moves when nobody attacks. The labels of the first
    `n_scanned` null runs, of all when None, are scanned too, to count false alarms.

    Parameters
    ----------
    rates
        Shares of the attacked class, in [0, 1], by attack.

    Examples
    --------
    >>> [cell.name for cell in grid({"fraud_to_legit": [0.1]}, n_seeds=1, n_null_runs=1, seed=7)]
    ['clean.seed7', 'null_run.seed8', 'fraud_to_legit.10.seed7']
    """
    scanned = n_null_runs if n_scanned is None else n_scanned
    conditions = [Condition(attack, rate) for attack, own in rates.items() for rate in own]
    clean = [Cell(CLEAN, seed + k, seed + k) for k in range(n_seeds)]
    null_run = [Cell(NULL_RUN, seed + k, seed + k, k <= scanned) for k in range(1, n_null_runs + 1)]
    attacked = [
        Cell(condition, seed + k, seed + k) for condition in conditions for k in range(n_seeds)
    ]
    return clean + null_run + attacked


@dataclass(frozen=True)
class Part:
    """One part of a computation that is dealt to processes."""

    number: int
    of: int

    @property
    def name(self) -> str:
        """Stable name."""
        return f"part{self.number}of{self.of}"


def neighbour_part(part: Part, features: np.ndarray) -> dict[str, np.ndarray]:
    """Nearest neighbours of one part of the rows."""
    queries = np.array_split(np.arange(len(features)), part.of)[part.number]
    neighbours, distance = nearest_neighbours(features, queries=queries)
    return {"neighbours": neighbours, "distance": distance}


def clean_log_odds_part(part: Part, rows: Transactions) -> dict[str, np.ndarray]:
    """Out-of-fold log-odds of a model of clean v0."""
    return {"log_odds": out_of_fold_scores(rows, seed=part.number).log_odds}


def simulated_sources(n_samples: int) -> np.ndarray:
    """Who labelled each row: `N_SOURCES` simulated reviewers in turn; the ULB table names none.

    Examples
    --------
    >>> simulated_sources(3)
    array(['reviewer 1', 'reviewer 2', 'reviewer 3'], dtype='<U10')
    """
    return np.char.add("reviewer ", (np.arange(n_samples) % N_SOURCES + 1).astype(str)).astype(
        "<U10"
    )
