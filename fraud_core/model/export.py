"""Exported model: a fitted CatBoost model as arrays that NumPy scores by itself."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fraud_core.model.estimators import SERVABLE, FittedEstimator
from fraud_core.scoring.oblivious_trees import ObliviousTrees

if TYPE_CHECKING:
    from catboost import CatBoostClassifier


@dataclass(frozen=True)
class ExportedModel:
    """A model as arrays.

    Attributes
    ----------
    trees
        What scores.
    leaf_weight
        Shape (n_trees, 2 ** depth), total weight of the training rows in each leaf; explaining
        needs it.
    """

    trees: ObliviousTrees
    leaf_weight: np.ndarray


def to_oblivious_trees(fitted: FittedEstimator) -> ObliviousTrees:
    """The trees of a fitted estimator, as `to_exported_model` has them."""
    return to_exported_model(fitted).trees


def to_exported_model(fitted: FittedEstimator) -> ExportedModel:
    """The trees of a fitted estimator and the training weights of their leaves.

    Parameters
    ----------
    fitted
        A fitted ``catboost`` estimator on numerical features.

    Returns
    -------
    ExportedModel
        The log-odds of its trees equal ``fitted.decision_function`` but for rounding (1e-8,
        checked when a bundle is made).

    Raises
    ------
    ValueError
        When the estimator cannot be exported.

    Notes
    -----
    In CatBoost's JSON the first split of a tree sets the lowest bit of the leaf number. Trees may
    be shallower than the declared depth; they are padded with levels that are never taken.
    """
    if fitted.name not in SERVABLE:
        raise ValueError(
            f"expected an estimator among {', '.join(SERVABLE)}, got {fitted.name}: it cannot "
            "be exported"
        )
    export = _export(fitted.model)
    trees = export["oblivious_trees"]
    scale, (bias,) = export["scale_and_bias"]
    depth = max(len(tree["splits"] or ()) for tree in trees)
    feature = np.zeros((len(trees), depth), dtype=np.int32)
    border = np.full((len(trees), depth), np.inf, dtype=np.float32)
    leaf_value, leaf_weight = np.zeros((2, len(trees), 2**depth))
    for row, tree in enumerate(trees):
        for level, split in enumerate(tree["splits"] or ()):
            feature[row, level] = split["float_feature_index"]
            border[row, level] = split["border"]
        n_leaves = len(tree["leaf_values"])
        leaf_value[row, :n_leaves] = np.asarray(tree["leaf_values"]) * scale
        leaf_weight[row, :n_leaves] = tree["leaf_weights"]
    return ExportedModel(ObliviousTrees(feature, border, leaf_value, float(bias)), leaf_weight)


def _export(model: "CatBoostClassifier") -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return json.loads(path.read_bytes())
