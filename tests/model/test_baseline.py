from dataclasses import replace

import numpy as np

from fraud_core.data.rows import to_transactions
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.baseline import random_split_average_precision, train_all
from fraud_core.model.estimators import EstimatorConfig

ESTIMATORS = {
    "logistic_regression": EstimatorConfig("logistic_regression"),
    "hist_gradient_boosting": EstimatorConfig("hist_gradient_boosting", {"max_iter": 20}),
    "catboost": EstimatorConfig("catboost", {"iterations": 30}),
}
CATBOOST = ESTIMATORS["catboost"]
DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}


def test_all_estimators_are_trained_with_progress(versions):
    steps = []
    models = train_all(
        versions.training_rows,
        estimators=ESTIMATORS,
        **DECISION,
        progress=lambda *step: steps.append(step),
    )
    assert list(models) == ["logistic_regression", "hist_gradient_boosting", "catboost"]
    assert [done for _, done, _ in steps] == [1, 2, 3]
    holdout = versions.holdout
    for model in models.values():
        assert average_precision(holdout.y_observed, model.scored(holdout.X).y_score) > 0.4


def test_random_split_has_an_interval_and_keeps_equal_rows_together(versions):
    both = to_transactions(versions.v0.vstack(versions.v1), versions.card)
    options = {"estimator": CATBOOST, "n_splits": 2, "n_replicates": 50}
    found = random_split_average_precision(both, **options, rng=np.random.default_rng(0))
    assert 0 < found.ci_low < found.value < found.ci_high <= 1
    # every row twice: were twins to stand on both sides, the label would leak and the ranking be
    # perfect
    doubled = to_transactions(versions.v0.vstack(versions.v0).sort("Time"), versions.card)
    noise = np.random.default_rng(1).permutation(len(doubled.y_observed) // 2).repeat(2)
    shuffled = replace(doubled, y_observed=(noise < 75).astype(int))
    assert (
        random_split_average_precision(shuffled, **options, rng=np.random.default_rng(0)).value
        < 0.3
    )
