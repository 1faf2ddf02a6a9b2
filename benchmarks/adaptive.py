"""An attacker who reads the scan hides a kind of fraud that
the trusted hours do not hold, at the same count of frauds.

Of v0 only: the frauds are cut into four modes by k-means; those of the largest mode without a fraud
in the trusted hours are hidden first, and, in the other half of the runs, as many of the
highest-scored clean payments are called fraud, so that no count chart sees a change. For each
number of labels the scan is asked, and a model of the labels is scored on v1 beside its clean twin.
Reported for what it shows; nothing is tuned on it. Run after `make run`: `python
benchmarks/adaptive.py`, some ten minutes.
"""

import json
from pathlib import Path

import msgspec
import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import ModelScores
from fraud_core.evaluation.metrics import alerts_at_budget, average_precision
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.training import CalibratedClassifier
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.params import Params, read_params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.poisoning.detection.label_scan import detect
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import Quantised, quantise, train_quantised
from fraud_core.poisoning.study.learnable_clusters import fraud_clusters

N_LABELS = (28, 56, 168)
N_MODES = 4
SEEDS = (1, 2, 3, 4, 5)


def main() -> None:
    """Try every number of labels with every seed,
    print and write benchmarks/results/adaptive.json.
    """
    params, data = read_params(within_project("params.yaml")), open_versions("data")
    rows, holdout, show = data.training_rows, data.holdout, progress_bar()
    estimator, decision = params.model.config("catboost"), msgspec.to_builtins(params.decision)
    quantised = quantise(rows.X)
    score = out_of_fold_scores(rows, seed=0, quantised=quantised).log_odds
    clean = {
        seed: measure(
            train_quantised(quantised, estimator.with_seed(seed), rows, **decision), holdout, params
        )
        for seed in SEEDS
    }
    runs = [(n, balanced, seed) for n in N_LABELS for balanced in (False, True) for seed in SEEDS]
    draws_by_attack: dict[str, list[dict]] = {}
    for number, (n, balanced, seed) in enumerate(runs):
        show("adaptive attacks", number, len(runs))
        n_hidden = n // 2 if balanced else n
        labels = poison(rows, score, n_hidden, n - n_hidden)
        one = attack(quantised, estimator.with_seed(seed), labels, holdout, params)
        changes = {name: one[name] - clean[seed][name] for name in clean[seed]}
        kind = "hidden_and_false" if balanced else "hidden"
        draws_by_attack.setdefault(f"{kind}.{n}", []).append(changes | {"alarmed": one["alarmed"]})
    show("adaptive attacks", len(runs), len(runs))
    record = {"seeds": len(SEEDS), "frauds": int(rows.y_observed.sum())}
    for name, draws in draws_by_attack.items():
        record[f"{name}.alarms"] = sum(draw["alarmed"] for draw in draws)
        record |= {f"{name}.{key}_change": round(mean(draws, key), 4) for key in clean[SEEDS[0]]}
    Path(__file__).with_name("results").joinpath("adaptive.json").write_text(
        json.dumps(record, indent=1) + "\n"
    )
    print(json.dumps(record, indent=1))


def poison(rows: Transactions, score: np.ndarray, n_hidden: int, n_false: int) -> Transactions:
    """Hide frauds of a mode that the trusted hours do not
    hold, and call the highest-scored clean rows fraud.
    """
    y, doubtful = rows.y_observed.copy(), ~rows.is_validation
    y[unseen_first(rows)[:n_hidden]] = 0
    clean = np.flatnonzero(doubtful & (rows.y_observed == 0))
    y[clean[np.argsort(-score[clean])[:n_false]]] = 1
    return Transactions(rows.X, y, rows.amount_eur, is_validation=rows.is_validation)


def unseen_first(rows: Transactions) -> np.ndarray:
    """The doubtful frauds: modes without a trusted fraud
    first, the largest before others, from its middle outwards.
    """
    mode = fraud_clusters(rows.X, rows.y_observed, n_clusters=N_MODES, seed=1)
    place = rows.X / np.maximum(rows.X.std(axis=0), 1e-9)
    frauds = np.flatnonzero((rows.y_observed == 1) & ~rows.is_validation)
    seen, size, away = np.zeros(len(frauds), bool), np.zeros(len(frauds)), np.zeros(len(frauds))
    for number in range(N_MODES):
        own = mode[frauds] == number
        seen[own] = np.any(rows.is_validation & (mode == number))
        size[own] = own.sum()
        away[own] = np.linalg.norm(place[frauds[own]] - place[mode == number].mean(axis=0), axis=1)
    return frauds[np.lexsort((away, -size, seen))]


def attack(
    quantised: Quantised,
    estimator: EstimatorConfig,
    rows: Transactions,
    holdout: Transactions,
    params: Params,
) -> dict:
    """Whether the scan alarms, and what a model of these labels does on the holdout."""
    scores = out_of_fold_scores(rows, seed=estimator.seed, quantised=quantised)
    scan = detect(rows, scores, seed=estimator.seed, quantised=quantised)
    model = train_quantised(quantised, estimator, rows, **msgspec.to_builtins(params.decision))
    return measure(model, holdout, params) | {"alarmed": scan.poisoned}


def measure(model: CalibratedClassifier, holdout: Transactions, params: Params) -> dict[str, float]:
    """Average precision, recall at the threshold and recall within the alert budget."""
    scored: ModelScores = model.scored(holdout.X)
    fraud = holdout.y_observed == 1
    within = alerts_at_budget(
        holdout.y_observed,
        scored.y_score,
        round(params.decision.alert_budget * len(holdout.y_observed)),
    )
    return {
        "average_precision": average_precision(holdout.y_observed, scored.y_score),
        "recall": float(np.mean(scored.y_score[fraud] >= scored.threshold)),
        "recall_at_budget": float(np.mean(within[fraud])),
    }


def mean(draws: list[dict], key: str) -> float:
    """Mean of a change over the draws."""
    return float(np.mean([draw[key] for draw in draws]))


if __name__ == "__main__":
    main()
