"""The vectorised bootstrap against the naive loop, interleaved in one run: `make bench`.

Both compute average precision, precision and recall at a budget, precision, recall, cost, Brier
score and calibration error of one model on 140,000 rows. The naive loop draws rows and calls
`fraud_core.evaluation.metrics`.
"""

import json
import os
import platform
import time
from pathlib import Path

import numpy as np

from fraud_core.evaluation import metrics
from fraud_core.evaluation.bootstrap import ModelScores, bootstrap

ROWS, FRAUDS, REPLICATES, NAIVE_REPLICATES, ROUNDS = 140_000, 210, 1000, 10, 3
BUDGET, REVIEW_EUR, THRESHOLD = 280, 5.0, 0.3


def main() -> None:
    """Measure, print and write benchmarks/results/bootstrap.json."""
    rng = np.random.default_rng(0)
    y_true = np.zeros(ROWS, dtype=int)
    y_true[rng.choice(ROWS, FRAUDS, replace=False)] = 1
    y_score = np.clip(rng.beta(0.5, 200, ROWS) + 0.9 * y_true * rng.random(ROWS), 0, 1)
    amount = rng.gamma(1, 88, ROWS)
    ours, naive = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        bootstrap(
            y_true,
            {"m": ModelScores(y_score, THRESHOLD)},
            amount,
            n_alerts=BUDGET,
            review_cost_eur=REVIEW_EUR,
            n_replicates=REPLICATES,
            rng=rng,
        )
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        for _ in range(NAIVE_REPLICATES):
            naive_replicate(y_true, y_score, amount, rng)
        naive.append((time.perf_counter() - started) * REPLICATES / NAIVE_REPLICATES)
    record = {
        "rows": ROWS,
        "replicates": REPLICATES,
        "ours_seconds": round(float(np.median(ours)), 3),
        "naive_seconds": round(float(np.median(naive)), 1),
        "ratio": round(float(np.median(naive) / np.median(ours)), 1),
        "naive_extrapolated_from_replicates": NAIVE_REPLICATES,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    print(json.dumps(record, indent=1))
    Path(__file__).with_name("results").joinpath("bootstrap.json").write_text(
        json.dumps(record, indent=1) + "\n"
    )


def naive_replicate(
    y_true: np.ndarray, y_score: np.ndarray, amount: np.ndarray, rng: np.random.Generator
) -> tuple:
    """One stratified resample, row by row."""
    frauds, others = np.flatnonzero(y_true == 1), np.flatnonzero(y_true == 0)
    rows = np.concatenate([rng.choice(frauds, len(frauds)), rng.choice(others, len(others))])
    y, s, eur = y_true[rows], y_score[rows], amount[rows]
    return (
        metrics.average_precision(y, s),
        metrics.recall_at_precision(y, s),
        metrics.precision_recall(y, metrics.alerts_at_budget(y, s, BUDGET)),
        metrics.precision_recall(y, s >= THRESHOLD),
        metrics.expected_cost_eur(y, s >= THRESHOLD, eur, REVIEW_EUR),
        metrics.brier_score(y, s),
        metrics.calibration_error(y, s),
    )


if __name__ == "__main__":
    main()
