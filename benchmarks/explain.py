"""Exact contributions against shap.TreeExplainer,
and what it costs to explain one decision in words.

After `make run`. Both sides explain the same rows of v1 by the same model, in turns, in one process
pinned to one core; time is CPU time of the process, so that other work on the machine does not
count.
"""

import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import catboost
import msgspec
import numpy as np
import shap

from fraud_core.bundle.decider import Decider
from fraud_core.data.rows import Transactions
from fraud_core.explain.contributions import shap_values
from fraud_core.explain.reason_writer import ReasonWriter
from fraud_core.explain.tree_shap import build_explainer
from fraud_core.model.estimators import FittedEstimator
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.stages.candidate import open_candidate
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.scoring.row_scorer import RowScorer

ROWS, ROUNDS, DECISIONS, GOAL, ROW_GOAL_US = 40_000, 7, 300, 10.0, 40.0
RESULTS = Path(__file__).with_name("results") / "explain.json"


def main() -> None:
    """Measure, print and write benchmarks/results/explain.json."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    data, rng = open_versions("data"), np.random.default_rng(1)
    model, rows, holdout = (
        read_params(within_project("params.yaml")).model,
        data.training_rows,
        data.holdout,
    )
    fitted = replace(model.config("catboost"), n_threads=1).fit(rows.X, rows.y_observed)
    features = holdout.X[rng.choice(len(holdout.X), ROWS, replace=False)]
    record = batch(fitted, features) | one_decision(holdout, rng)
    record |= {
        "timer": "CPU time, one core",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "catboost": catboost.__version__,
        "shap": shap.__version__,
        "goals": {
            "rows a second, times shap.TreeExplainer": {
                "figure": record["ratio"],
                "at_least": GOAL,
                "reached": record["ratio"] >= GOAL,
            },
            "microseconds of score and contributions of a row": {
                "figure": record["row_us"],
                "at_most": ROW_GOAL_US,
                "reached": record["row_us"] <= ROW_GOAL_US,
            },
        },
    }
    print(json.dumps(record, indent=1))
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def batch(fitted: FittedEstimator, features: np.ndarray) -> dict[str, float]:
    """Rows a second of both sides, in turns; the tables
    are built once, as shap's explainer is in each call.
    """
    started = time.process_time()
    explainer = build_explainer(fitted)
    built = time.process_time() - started
    ours, theirs = [], []
    for _ in range(ROUNDS):
        started = time.process_time()
        explained = explainer.explain(features)
        ours.append(time.process_time() - started)
        started = time.process_time()
        values, _ = shap_values(fitted.model, features)
        theirs.append(time.process_time() - started)
    ratios = np.array(theirs) / np.array(ours)
    return {
        "rows": len(features),
        "trees": len(explainer.trees.feature),
        "rounds": ROUNDS,
        "ours_rows_per_s": round(len(features) / float(np.median(ours))),
        "shap_rows_per_s": round(len(features) / float(np.median(theirs))),
        "ratio": round(float(np.median(ratios)), 1),
        "ratio_least": round(float(ratios.min()), 1),
        "ratio_most": round(float(ratios.max()), 1),
        "tables_seconds": round(built, 3),
        "largest_difference": float(f"{np.abs(explained.values - values).max():.2g}"),
        "additivity_error": float(f"{explained.additivity_errors.max():.2g}"),
    }


def one_decision(holdout: Transactions, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds of one decision by the service's code,
    and of its reasons in words with both counterfactuals.

    Half of the payments are those of highest score, half are any.
    """
    bundle = open_candidate("data")
    decider, writer = Decider(bundle), ReasonWriter(bundle)
    strongest = np.argsort(-bundle.probability(holdout.X))[: DECISIONS // 2]
    asked = np.concatenate(
        [strongest, rng.choice(len(holdout.y_observed), DECISIONS // 2, replace=False)]
    )
    scorer = RowScorer(
        bundle.trees, bundle.model.tables, bundle.calibration, len(bundle.contract.model_features)
    )
    decide, write, explain = np.full((3, ROUNDS, DECISIONS), np.inf)
    searched = 0
    for number in range(ROUNDS):
        for place, k in enumerate(asked):
            row, amount_eur = holdout.X[k].astype(float), float(holdout.amount_eur[k])
            started = time.perf_counter()
            scorer.explain(row)
            explain[number, place] = time.perf_counter() - started
            started = time.perf_counter()
            verdict = decider.decide(row, amount_eur)
            between = time.perf_counter()
            reasons = writer.write(row, amount_eur, verdict)
            write[number, place], decide[number, place] = (
                time.perf_counter() - between,
                between - started,
            )
            searched += sum(reason.would_turn_at is not msgspec.UNSET for reason in reasons)
    decide, write, explain = decide.min(axis=0), write.min(axis=0), explain.min(axis=0)
    return {
        "row_us": round(1e6 * float(np.median(explain)), 1),
        "decisions": DECISIONS,
        "searched_a_decision": round(searched / ROUNDS / DECISIONS, 2),
        "decide_ms": round(1000 * float(np.median(decide)), 4),
        "words_ms": round(1000 * float(np.median(write)), 4),
        "words_p99_ms": round(1000 * float(np.quantile(write, 0.99)), 4),
        "explained_decision_ms": round(1000 * float(np.median(decide + write)), 4),
    }


if __name__ == "__main__":
    main()
