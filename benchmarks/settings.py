"""The choice of every estimator's settings by time-ordered
folds inside v0 (docs/decisions/0006); v1 is never opened.

Run after `make run`: `python benchmarks/settings.py`, about half an hour; finished settings are
kept in scratch/tuning and not fitted again.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fraud_core.data.rows import Transactions, to_transactions
from fraud_core.data.splits import content_sha256
from fraud_core.model.tuning import (
    Fold,
    Tried,
    choose,
    difference_on_folds,
    time_folds,
    try_settings,
)
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import V0
from fraud_core.pipeline.storage.tables import read_card

EDGES_S = (12 * 3600, 16 * 3600, 20 * 3600, 24 * 3600)
SEEDS = (1, 2)
EQUAL = 0.005  # of mean average precision
N_REPLICATES = 2000
KEPT = "scratch/tuning"

HALF_FAST = {
    "iterations": 150,
    "learning_rate": 0.15,
    "depth": 6,
    "rsm": 0.5,
    "random_strength": 3.0,
    "leaf_estimation_iterations": 1,
    "bootstrap_type": "Bernoulli",
    "subsample": 0.5,
}
PLAIN = {"iterations": 300, "learning_rate": 0.1, "depth": 6}
RANDOM = PLAIN | {"rsm": 0.5, "random_strength": 3.0}
CATBOOST = {
    "plain": PLAIN,
    "slower": {"iterations": 500, "learning_rate": 0.05, "depth": 6},
    "stronger_l2": PLAIN | {"l2_leaf_reg": 10.0},
    "random": RANDOM,
    "half": RANDOM | {"iterations": 150, "learning_rate": 0.15},
    "half_fast": HALF_FAST,
    "shallow": PLAIN | {"depth": 4},
    "deep": PLAIN | {"depth": 8},
    "half_fast_shallow": HALF_FAST | {"depth": 4},
    "half_fast_deep": HALF_FAST | {"depth": 8},
    "half_fast_l2": HALF_FAST | {"l2_leaf_reg": 10.0},
    "half_fast_slow": HALF_FAST | {"iterations": 300, "learning_rate": 0.075},
    "half_fast_few": HALF_FAST | {"iterations": 75, "learning_rate": 0.3},
    "half_fast_weighted": HALF_FAST | {"auto_class_weights": "SqrtBalanced"},
    "random_shallow": RANDOM | {"depth": 4},
    "random_l2": RANDOM | {"l2_leaf_reg": 10.0},
}
LOGISTIC = {
    f"C={c:g}{', balanced' if weight else ''}": {"C": c, "class_weight": weight}
    for c, weight in product((1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 1e-1, 1.0), (None, "balanced"))
}
HISTOGRAM = {
    f"{trees} trees of {rate:g}, {leaves} leaves, l2 {l2:g}": {
        "max_iter": trees,
        "learning_rate": rate,
        "max_leaf_nodes": leaves,
        "l2_regularization": l2,
    }
    for (trees, rate), leaves, l2 in product(
        ((100, 0.05), (200, 0.05), (200, 0.1), (400, 0.02)), (8, 31), (1.0, 10.0)
    )
}
GRIDS = {"logistic_regression": LOGISTIC, "hist_gradient_boosting": HISTOGRAM, "catboost": CATBOOST}


def main() -> None:
    """Measure every setting on every fold, print and write benchmarks/results/settings.json."""
    v0 = pl.read_parquet(within_project(f"data/{V0}.parquet"))
    rows = to_transactions(v0, read_card("ulb"))
    folds, show = time_folds(rows.time_s, EDGES_S), progress_bar()
    tried: dict[str, dict[str, Tried]] = {}
    for name, grid in GRIDS.items():
        tried[name] = {}
        for number, (label, settings) in enumerate(grid.items()):
            show(f"settings of {name}", number, len(grid))
            tried[name][label] = kept(name, label, settings, rows, folds)
        show(f"settings of {name}", len(grid), len(grid))
    chosen = {name: choose(settings, tolerance=EQUAL) for name, settings in tried.items()}
    winner = max(chosen, key=lambda name: tried[name][chosen[name]].mean)
    best = tried[winner][chosen[winner]]
    record = {
        "edges_hours": [edge / 3600 for edge in EDGES_S],
        "seeds": list(SEEDS),
        "equal_within": EQUAL,
        "v0_sha256": content_sha256(v0),
        "winner": winner,
        "estimators": {
            name: describe(tried[name], chosen[name], best, rows, folds) for name in tried
        },
    }
    for name, estimator in record["estimators"].items():
        print(
            name,
            estimator["chosen"],
            estimator["mean"],
            "behind the winner",
            estimator["behind_winner"],
            flush=True,
        )
    text = json.dumps(record, indent=1) + "\n"
    Path(__file__).with_name("results").joinpath("settings.json").write_text(text, encoding="utf-8")


def kept(
    name: str,
    label: str,
    settings: Mapping[str, Any],
    rows: Transactions,
    folds: Sequence[Fold],
) -> Tried:
    """One setting, from the folder of finished ones when it is there."""
    path = within_project(KEPT) / f"{name}-{label.replace(' ', '_')}.npz"
    if not path.is_file():
        tried = try_settings(name, settings, rows, folds, seeds=SEEDS)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Any: NumPy's types take a name of unknown text for savez's own allow_pickle
        by_fold: dict[str, Any] = {f"log_odds{k}": own for k, own in enumerate(tried.log_odds)}
        np.savez(
            path,
            average_precision=tried.average_precision,
            cpu_seconds=tried.cpu_seconds,
            **by_fold,
        )
    with np.load(path) as arrays:
        log_odds = tuple(arrays[f"log_odds{k}"] for k in range(len(folds)))
        return Tried(settings, arrays["average_precision"], float(arrays["cpu_seconds"]), log_odds)


def describe(
    tried: Mapping[str, Tried],
    chosen: str,
    winner: Tried,
    rows: Transactions,
    folds: Sequence[Fold],
) -> dict[str, Any]:
    """What is committed of an estimator: the choice; folds,
    seconds and difference from the best of each setting.
    """
    highest = max(tried, key=lambda label: tried[label].mean)
    settings = {}
    for label, one in tried.items():
        less_best = lead(one, tried[highest], rows, folds)
        settings[label] = {
            "settings": dict(one.settings),
            "mean": round(one.mean, 4),
            "folds": [round(float(value), 4) for value in one.average_precision],
            "cpu_seconds_a_fit": round(one.cpu_seconds, 2),
            "cpu_seconds": round(one.cpu_seconds * len(SEEDS) * len(folds), 1),
            "less_best": less_best,
            "indistinct_from_best": less_best[2] >= 0,
        }
    return {
        "chosen": chosen,
        "highest": highest,
        "mean": round(tried[chosen].mean, 4),
        "behind_winner": lead(winner, tried[chosen], rows, folds),
        "settings": settings,
    }


def lead(one: Tried, other: Tried, rows: Transactions, folds: Sequence[Fold]) -> list[float]:
    """Mean average precision of one setting less that
    of another on the folds, with its 95% interval.
    """
    difference = difference_on_folds(
        one, other, rows, folds, n_replicates=N_REPLICATES, rng=np.random.default_rng(0)
    )
    return [round(value, 4) for value in (difference.value, difference.ci_low, difference.ci_high)]


if __name__ == "__main__":
    main()
