"""The choice of CatBoost's settings by time-ordered folds inside v0 (docs/decisions/0006); v1 is never opened.

Run after `make run`: `python benchmarks/settings.py`, some five minutes.
"""

import json
import time
from pathlib import Path

import numpy as np
import polars as pl

from fraud_core.data.arrays import to_arrays
from fraud_core.model.estimators import fit_estimator
from fraud_core.model.metrics import average_precision
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.tables import read_card
from fraud_core.pipeline.versions import V0

FOLD_HOURS = ((12, 16), (16, 20), (20, 24))
SEEDS = (1, 2)
CANDIDATES = {
    "plain": {"iterations": 300, "learning_rate": 0.1, "depth": 6},
    "slower": {"iterations": 500, "learning_rate": 0.05, "depth": 6},
    "stronger_l2": {"iterations": 300, "learning_rate": 0.1, "depth": 6, "l2_leaf_reg": 10.0},
    "random": {"iterations": 300, "learning_rate": 0.1, "depth": 6, "rsm": 0.5, "random_strength": 3.0},
    "half": {"iterations": 150, "learning_rate": 0.15, "depth": 6, "rsm": 0.5, "random_strength": 3.0},
    "half_fast": {
        "iterations": 150, "learning_rate": 0.15, "depth": 6, "rsm": 0.5, "random_strength": 3.0,
        "leaf_estimation_iterations": 1, "bootstrap_type": "Bernoulli", "subsample": 0.5,
    },
    "shallow": {"iterations": 300, "learning_rate": 0.1, "depth": 4},
    "deep": {"iterations": 300, "learning_rate": 0.1, "depth": 8},
}  # fmt: skip


def main() -> None:
    """Measure each candidate on each fold, print and write benchmarks/results/settings.json."""
    card = read_card("ulb")
    rows = to_arrays(pl.read_parquet(within_project(f"data/{V0}.parquet")), card)
    found = {}
    for name, settings in CANDIDATES.items():
        started = time.perf_counter()
        folds = [np.mean([score(rows, start, end, settings, seed) for seed in SEEDS]) for start, end in FOLD_HOURS]
        found[name] = {"mean": round(float(np.mean(folds)), 4), "folds": [round(float(f), 4) for f in folds]}
        found[name]["seconds_a_fit"] = round((time.perf_counter() - started) / len(SEEDS) / len(FOLD_HOURS), 2)
        print(name, found[name], flush=True)
    Path(__file__).with_name("results").joinpath("settings.json").write_text(json.dumps(found, indent=1) + "\n")


def score(rows, start_hour: int, end_hour: int, settings: dict, seed: int) -> float:
    """Average precision on one fold of a fit on everything before it."""
    hour = rows.time / 3600
    train, test = hour < start_hour, (hour >= start_hour) & (hour < end_hour)
    fitted = fit_estimator(
        "catboost", rows.features[train], rows.y_true[train], settings=settings, seed=seed, n_threads=2
    )
    return average_precision(rows.y_true[test], fitted.margin(rows.features[test]))


if __name__ == "__main__":
    main()
