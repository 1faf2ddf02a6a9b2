"""The defence selector against its peers, which stand behind the same alarm gate and are resampled with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.model.intervals import Interval, bootstrap
from fraud_core.poisoning.effects import Result, scored
from fraud_core.poisoning.inference import mean_over_draws, non_inferior
from fraud_core.poisoning.policy import VETO
from fraud_core.poisoning.study import CLEAN, PLACEBO, TRUSTED, Cell

PEERS = ("confident_learning", "knn")
MARGIN = 0.01  # of average precision


def gated(result: Result, peer: str) -> str:
    """The defence whose model a peer leaves behind the gate of the selector: its own, or that of trusted labels.

    The peer cleans when the scan alarmed, unless its model ranks the trusted frauds worse by more than `VETO`.

    Examples
    --------
    >>> silent = {"scan.alarmed": np.array(False)}
    >>> gated(silent, "knn")
    'trusted_labels'
    """
    if not bool(result["scan.alarmed"]):
        return TRUSTED
    key = "validation_average_precision"
    worse = float(result[f"{TRUSTED}.{key}"]) - float(result[f"{peer}.{key}"]) > VETO
    return TRUSTED if worse else peer


def compare_with_peers(
    cells: Sequence[Cell],
    results: Sequence[Result],
    holdout: Arrays,
    *,
    n_replicates: int,
    seed: int,
    null_band: float,
) -> dict[str, Interval]:
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
        The best peer is the one of highest mean over the draws, chosen after the look: the comparison favours peers.
    """
    parts: dict[str, dict[str, list[np.ndarray]]] = {}
    for number, (cell, result) in enumerate(zip(cells, results, strict=True)):
        if cell.attack in (CLEAN, PLACEBO) or any(f"{name}.log_odds" not in result for name in ("policy", *PEERS)):
            continue
        models = {"policy": scored(result, "policy")} | {peer: scored(result, gated(result, peer)) for peer in PEERS}
        replicates = bootstrap(
            holdout.y_true, models, holdout.amount_eur, n_alerts=1, review_cost_eur=0.0, n_replicates=n_replicates,
            rng=np.random.default_rng([seed, number]),
        )  # fmt: skip
        own = replicates["policy"]["average_precision"]
        for peer in PEERS:
            difference = own - replicates[peer]["average_precision"]
            parts.setdefault(cell.group, {}).setdefault(peer, []).append(difference)
    return {
        group: min((mean_over_draws(found, null_band=null_band) for found in by_peer.values()), key=lambda i: i.value)
        for group, by_peer in parts.items()
    }


def peer_metrics(differences: Mapping[str, Interval]) -> dict[str, Any]:
    """The differences by attack and rate, and in how many cells the selector is not inferior by `MARGIN`, and superior.

    Examples
    --------
    >>> peer_metrics({"symmetric.2": Interval(0.0, 0.0, 0.0)})["summary.cells_non_inferior"]
    1
    """
    if not differences:
        return {}
    flat: dict[str, Any] = {
        f"summary.{group.replace('.', '_')}.over_best_peer": value for group, value in differences.items()
    }
    return flat | {
        "summary.cells_total": len(differences),
        "summary.cells_non_inferior": sum(non_inferior(value, margin=MARGIN) for value in differences.values()),
        "summary.cells_superior": sum(value.low > 0 for value in differences.values()),
        "summary.non_inferiority_margin": MARGIN,
    }
