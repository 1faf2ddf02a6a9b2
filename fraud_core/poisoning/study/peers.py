"""The defence selector against its peers, which stand
behind the same alarm gate and are resampled with it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate, bootstrap
from fraud_core.evaluation.study_table import Measurement
from fraud_core.poisoning.defences.confident_learning import CONFIDENT_LEARNING
from fraud_core.poisoning.defences.nearest_neighbours import NEAREST_NEIGHBOURS
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.defences.selection import VETO
from fraud_core.poisoning.study.bench import TRUSTED
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.condition_rows import measured
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.inference import mean_over_draws, non_inferior
from fraud_core.poisoning.study.run_results import RunResult

PEERS = (CONFIDENT_LEARNING.name, NEAREST_NEIGHBOURS.name)
MARGIN = 0.01  # of average precision


def gated(result: RunResult, peer: str) -> str:
    """The defence whose model a peer leaves behind the gate
    of the selector: its own, or that of trusted labels.

    The peer cleans when the scan alarmed, unless its model ranks the trusted frauds worse by more
    than `VETO`.

    Examples
    --------
    >>> from fraud_core.poisoning.study.run_results import AttackFigures, ScanFigures
    >>> silent = ScanFigures(False, False, False, 0, 0.0, 0.0)
    >>> gated(RunResult(AttackFigures(0, 0.0, 0.0), silent), "knn")
    'trusted_labels'
    """
    if result.scan is None or not result.scan.alarmed:
        return TRUSTED
    trusted, own = (result.defences[name].validation_average_precision for name in (TRUSTED, peer))
    return TRUSTED if trusted - own > VETO else peer


def compare_with_peers(
    cells: Sequence[Cell],
    results: Sequence[RunResult],
    holdout: Transactions,
    *,
    n_replicates: int,
    seed: int,
    null_band: float,
) -> dict[Condition, Estimate]:
    """Average precision of the selector less that of the best gated peer, by attack and rate.

    Parameters
    ----------
    cells, results
        As from `grid` and `run_cell`; clean trainings, on which all leave the same model, and
        cells without the selector and both peers take no part.
    holdout
        v1 with its true labels.
    n_replicates, seed
        Of the bootstrap, shared between selector and peers.
    null_band
        As in `mean_over_draws`.

    Returns
    -------
    dict
        The best peer is the one of highest mean over the draws, chosen after the look: the
        comparison favours peers.
    """
    draws: dict[Condition, dict[str, list[np.ndarray]]] = {}
    for number, (cell, result) in enumerate(zip(cells, results, strict=True)):
        if cell.condition in (CLEAN, NULL_RUN) or not {SELECTOR, *PEERS} <= result.defences.keys():
            continue
        models = {SELECTOR: result.defences[SELECTOR].scored}
        models |= {peer: result.defences[gated(result, peer)].scored for peer in PEERS}
        replicates = bootstrap(
            holdout.y_observed,
            models,
            holdout.amount_eur,
            n_alerts=1,
            review_cost_eur=0.0,
            n_replicates=n_replicates,
            rng=np.random.default_rng([seed, number]),
        )
        for peer in PEERS:
            difference = (
                replicates[SELECTOR]["average_precision"] - replicates[peer]["average_precision"]
            )
            draws.setdefault(cell.condition, {}).setdefault(peer, []).append(difference)
    return {
        condition: min(
            (mean_over_draws(parts, null_band=null_band) for parts in by_peer.values()),
            key=lambda i: i.value,
        )
        for condition, by_peer in draws.items()
    }


def peer_rows(differences: Mapping[Condition, Estimate]) -> Iterator[Measurement]:
    """The differences by attack and rate, and in how many cells
    the selector is not inferior by `MARGIN`, and superior.

    Examples
    --------
    >>> from fraud_core.poisoning.study.conditions import CLEAN
    >>> [
    ...     row.value
    ...     for row in peer_rows({CLEAN: Estimate(0.0, 0.0, 0.0)})
    ...     if row.metric == "cells_non_inferior"
    ... ]
    [1.0]
    """
    if not differences:
        return
    for condition, value in differences.items():
        yield measured(condition, "over_best_peer", value, defence=SELECTOR)
    counts = {
        "cells_total": len(differences),
        "cells_non_inferior": sum(
            non_inferior(value, margin=MARGIN) for value in differences.values()
        ),
        "cells_superior": sum(value.ci_low > 0 for value in differences.values()),
        "non_inferiority_margin": MARGIN,
    }
    for metric, value in counts.items():
        yield Measurement.of(metric, value)
