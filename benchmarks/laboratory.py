"""The poisoning laboratory against the naive loop, in one run: `make bench`.

The naive loop asks for each defence alone, one after the other, and makes bins, neighbours,
duplicates, out-of-fold scores and trainings again for each. The laboratory shares them and deals
the cells to two processes. Both run the same functions on the same rows, and must give the same
scores.
"""

import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.pipeline.execution.cell_cache import run_cells
from fraud_core.pipeline.execution.poisoning_lab import needed_for
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.execution.run_codec import decode_run, run_encoded
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.poisoning.defences.nearest_neighbours import nearest_neighbours
from fraud_core.poisoning.study.bench import run_cell
from fraud_core.poisoning.study.cells import Cell, Inputs
from fraud_core.poisoning.study.conditions import Condition

ROWS, SEEDS, STORE = 45_000, (1, 2), "scratch/benchmark-cells"
DEFENCES = ["none", "confident_learning", "knn", "out_of_fold", "policy"]


def main() -> None:
    """Measure, print and write benchmarks/results/laboratory.json."""
    params = read_params(within_project("params.yaml"))
    data = open_versions("data")
    rows = last_rows(data.training_rows, ROWS)
    settings = {
        "estimator": params.model.config("catboost"),
        "decision": msgspec.to_builtins(params.decision),
    }
    cells = [Cell(Condition("fraud_to_legit", 0.5), seed, seed) for seed in SEEDS]
    naive, shared = [], []
    for cell in cells:
        started = time.perf_counter()
        alone = {}
        for defence in DEFENCES:
            asked = settings | {"defences": needed_for(defence)}
            alone |= run_cell(cell, prepare(rows, data.holdout.X), asked).defences
        naive.append(time.perf_counter() - started)
    started = time.perf_counter()
    results = run_cells(
        run_encoded,
        cells,
        prepare(rows, data.holdout.X),
        settings | {"defences": DEFENCES},
        what="cells",
        n_processes=2,
        progress=progress_bar(),
        store=f"{STORE}-{os.getpid()}",
    )
    shared.append(time.perf_counter() - started)
    np.testing.assert_array_equal(
        decode_run(results[-1]).defences["policy"].log_odds, alone["policy"].log_odds
    )
    record = {
        "rows": ROWS,
        "cells": len(cells),
        "defences": len(DEFENCES),
        "naive_seconds": round(sum(naive), 1),
        "laboratory_seconds": round(sum(shared), 1),
        "ratio": round(sum(naive) / sum(shared), 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    print(json.dumps(record, indent=1))
    Path(__file__).with_name("results").joinpath("laboratory.json").write_text(
        json.dumps(record, indent=1) + "\n"
    )


def last_rows(rows: Transactions, n_rows: int) -> Transactions:
    """The last rows of v0, the trusted hours among them."""
    return replace(
        rows, **{name: getattr(rows, name)[-n_rows:] for name in rows.__dataclass_fields__}
    )


def prepare(rows: Transactions, holdout_features: np.ndarray) -> Inputs:
    """What cells share."""
    neighbours, distance = nearest_neighbours(rows.X)
    return Inputs(rows, holdout_features, np.empty(0), neighbours, distance)


if __name__ == "__main__":
    main()
