"""The baseline study: three estimators trained on v0 and scored on v1, and the two comparisons that mislead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.model.champion import DecidingModel, TrainingRows, train
from fraud_core.model.estimators import NAMES, fit_estimator
from fraud_core.model.metrics import average_precision

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
    features: np.ndarray, y_true: np.ndarray, *, model: Mapping[str, Any], n_splits: int, rng: np.random.Generator
) -> np.ndarray:
    """Average precision of CatBoost when train and test rows are drawn at random: the labelled wrong way.

    Rows of the same minutes then stand on both sides, so the figure is flattering; it is here to show by how much.

    Returns
    -------
    numpy.ndarray
        Shape (n_splits,).
    """
    found = []
    for _ in range(n_splits):
        test = rng.random(len(y_true)) < RANDOM_TEST_SHARE
        fitted = fit_estimator(
            "catboost", features[~test], y_true[~test],
            settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
        )  # fmt: skip
        found.append(average_precision(y_true[test], fitted.margin(features[test])))
    return np.array(found)
