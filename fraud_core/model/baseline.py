"""The baseline study: three estimators trained on v0 and scored on v1, and the two comparisons that mislead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.model.champion import DecidingModel, TrainingRows, train
from fraud_core.model.estimators import NAMES, fit_estimator
from fraud_core.model.intervals import Interval, Scored, bootstrap

RANDOM_TEST_SHARE = 0.2


def train_all(
    rows: TrainingRows,
    *,
    model: Mapping[str, Any],
    decision: Mapping[str, float],
    names: Sequence[str] = NAMES,
    progress: Callable[[str, int, int], None] = lambda *step: None,
) -> dict[str, DecidingModel]:
    """Train estimators on the same rows with the settings of the model section.

    Parameters
    ----------
    rows
        All of v0.
    model
        Keys ``seed``, ``n_threads`` and one settings dict for each estimator.
    decision
        Keys ``alert_budget`` and ``review_cost_eur``.
    names
        The estimators; all of them unless told.
    progress
        Called with (what, done, total).
    """
    models = {}
    for number, name in enumerate(names):
        models[name] = train(
            name, rows, settings=model[name], seed=model["seed"], n_threads=model["n_threads"], **decision
        )
        progress("training estimators", number + 1, len(names))
    return models


def random_split_average_precision(
    rows: Arrays, *, model: Mapping[str, Any], n_splits: int, n_replicates: int, rng: np.random.Generator
) -> Interval:
    """Average precision of CatBoost when train and test rows are drawn at random: the labelled wrong way.

    Rows of the same minutes then stand on both sides, and the training rows come from both days. Equal rows stay on one
    side.

    Returns
    -------
    Interval
        Mean over the splits; the interval pools the resamples of all of them.
    """
    _, twin = np.unique(np.column_stack([rows.time, rows.features]), axis=0, return_inverse=True)
    twin = twin.ravel()
    found = []
    for _ in range(n_splits):
        test = rng.random(twin.max() + 1)[twin] < RANDOM_TEST_SHARE
        fitted = fit_estimator(
            "catboost", rows.features[~test], rows.y_true[~test],
            settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
        )  # fmt: skip
        scored = {"catboost": Scored(fitted.margin(rows.features[test]), 0.0)}
        found.append(
            bootstrap(
                rows.y_true[test], scored, rows.amount_eur[test],
                n_alerts=1, review_cost_eur=0.0, n_replicates=n_replicates, rng=rng,
            )["catboost"]["average_precision"]
        )  # fmt: skip
    low, high = np.quantile(np.concatenate([values[1:] for values in found]), [0.025, 0.975])
    return Interval(float(np.mean([values[0] for values in found])), float(low), float(high))
