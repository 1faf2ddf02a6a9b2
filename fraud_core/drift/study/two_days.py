"""Estimated performance (CBPE) and the replay of the two versions, as the drift study runs them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.drift.attribution.attributor import Attributor
from fraud_core.drift.attribution.scenarios import nearest_legitimate
from fraud_core.drift.performance.cbpe import CbpeResult, estimate_performance
from fraud_core.drift.performance.forward_chaining import fit_rows, rolling_origin_log_odds
from fraud_core.drift.replay.block_replay import (
    Block,
    Schedule,
    replay,
    suppress_fraud_labels,
)
from fraud_core.drift.replay.served_model import Practice
from fraud_core.drift.two_sample.multivariate import discriminant_terms
from fraud_core.model.estimators import EstimatorConfig

ROLLING_BLOCKS = 4


def cbpe_study(
    v0: Transactions,
    v1: Transactions,
    *,
    estimator: EstimatorConfig,
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[CbpeResult, CbpeResult, CbpeResult]:
    """Average precision estimated before labels: on v1, on
    the last block of v0, and under a pattern never seen.

    Returns
    -------
    on_v1, on_v0, broken
        `on_v0` uses the blocks of v0 before its last one. `broken` repeats `on_v1` after a corner
        of legitimate rows of v1, half as many as there are frauds, became fraud: features and
        scores are the same, so the estimate cannot move, and the realised performance does.
        This is the case in which the method must fail.
    """
    log_odds, y_true, row = rolling_origin_log_odds(
        v0, n_blocks=ROLLING_BLOCKS, estimator=estimator
    )
    scored = fit_rows(v0, v0.y_observed, np.ones(len(v0), bool), estimator).decision_function(v1.X)
    drawn: dict[str, Any] = {"rng": rng, "n_resamples": n_resamples}
    on_v1 = estimate_performance(log_odds, y_true, scored, v1.y_observed, **drawn)
    last = np.arange(len(row)) >= len(row) - len(row) // ROLLING_BLOCKS
    on_v0 = estimate_performance(
        log_odds[~last], y_true[~last], log_odds[last], y_true[last], **drawn
    )
    corner = nearest_legitimate(
        discriminant_terms(v0.X, v1.X)[:, : v1.X.shape[1]],
        v1.y_observed,
        n_rows=int(v1.y_observed.sum()) // 2,
        rng=rng,
    )
    changed = v1.y_observed.copy()
    changed[corner] = 1
    return on_v1, on_v0, estimate_performance(log_odds, y_true, scored, changed, **drawn)


def replay_study(
    v0: Transactions,
    v1: Transactions,
    names: Sequence[str],
    attributor: Attributor,
    setting: Mapping[str, float],
    *,
    estimator: EstimatorConfig,
    decision: Mapping[str, float],
    thresholds: Mapping[str, float],
    rng: np.random.Generator,
) -> tuple[list[Block], list[Block]]:
    """Both versions replayed as one stream: as it was, and with suppressed fraud labels.

    Parameters
    ----------
    setting
        The fields of `Schedule`, ``attack_hour`` and ``suppressed_share``.
    """
    rows = v0.append(v1)
    schedule = Schedule(**{f.name: setting[f.name] for f in fields(Schedule)})
    practice = Practice(estimator, decision, thresholds)
    suppressed = suppress_fraud_labels(
        rows, setting["suppressed_share"], from_hour=setting["attack_hour"], rng=rng
    )
    plain, attacked = (
        replay(
            rows,
            observed,
            names,
            schedule,
            attributor,
            practice,
            rng=rng,
        )
        for observed in (rows.y_observed, suppressed)
    )
    return plain, attacked
