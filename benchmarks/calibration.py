"""The choice of every estimator's calibration on folds in time inside v0; v1 is never opened.

Each fold goes the way of training: a fit on the hours before the last four, calibrated on these
four, then a fit on all hours before the fold, whose probabilities are held against the fold. Run
after `benchmarks/settings.py`: `python benchmarks/calibration.py`, some five minutes.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.settings import EDGES_S
from fraud_core.data.rows import Transactions, to_transactions
from fraud_core.model.calibration import METHODS, calibrate
from fraud_core.model.estimators import REGISTRY, EstimatorConfig
from fraud_core.model.tuning import Fold, time_folds
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import V0
from fraud_core.pipeline.storage.tables import read_card

SEEDS = (1, 2, 3)
HELD_S = 4 * 3600


def main() -> None:
    """Measure each calibration on each fold, print
    and write benchmarks/results/calibration.json.
    """
    rows = to_transactions(pl.read_parquet(within_project(f"data/{V0}.parquet")), read_card("ulb"))
    estimators = read_params(within_project("params.yaml")).model.configs()
    by_estimator = {}
    for name in REGISTRY:
        folds = [
            measure(estimators[name].with_seed(seed), rows, fold)
            for fold in time_folds(rows.time_s, EDGES_S)
            for seed in SEEDS
        ]
        by_method = {method: mean_of([fold[method] for fold in folds]) for method in METHODS}
        chosen = min(METHODS, key=lambda method: by_method[method]["log_loss_per_1000"])
        by_estimator[name] = {"chosen": chosen, "methods": by_method}
        print(name, json.dumps(by_estimator[name]), flush=True)
    text = json.dumps({"seeds": list(SEEDS), "estimators": by_estimator}, indent=1) + "\n"
    Path(__file__).with_name("results").joinpath("calibration.json").write_text(
        text, encoding="utf-8"
    )


def measure(
    estimator: EstimatorConfig, rows: Transactions, fold: Fold
) -> dict[str, dict[str, float]]:
    """Log loss, Brier score and frauds expected and observed on one fold, by calibration."""
    start = rows.time_s[fold.scored].min()
    early = fold.fitted & (rows.time_s < start - HELD_S)
    held = fold.fitted & ~early
    first, second = (
        replace(estimator, n_threads=1).fit(rows.X[part], rows.y_observed[part])
        for part in (early, fold.fitted)
    )
    y_true, margin = rows.y_observed[fold.scored], second.decision_function(rows.X[fold.scored])
    by_method = {}
    for method in METHODS:
        calibration = calibrate(
            first.decision_function(rows.X[held]), rows.y_observed[held], method
        )
        p = calibration.probability(margin)
        log_odds = calibration.slope * margin.astype(np.float64) + calibration.intercept
        by_method[method] = {
            "log_loss_per_1000": 1000
            * float(np.mean(np.logaddexp(0.0, log_odds) - y_true * log_odds)),
            "brier_per_1000": 1000 * float(np.mean((p - y_true) ** 2)),
            "expected_frauds": float(p.sum()),
            "observed_frauds": float(y_true.sum()),
        }
    return by_method


def mean_of(folds: list[dict[str, float]]) -> dict[str, float]:
    """Means over folds and seeds; the last is the ratio
    of the totals of expected and observed frauds.
    """
    means = {key: round(float(np.mean([fold[key] for fold in folds])), 4) for key in folds[0]}
    return means | {
        "expected_over_observed": round(means["expected_frauds"] / means["observed_frauds"], 4)
    }


if __name__ == "__main__":
    main()
