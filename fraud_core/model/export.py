"""A fitted CatBoost model as plain arrays that NumPy alone can score."""

import json
import tempfile
from pathlib import Path

import numpy as np

from fraud_core.model.estimators import SERVABLE, FittedEstimator
from fraud_core.model.scorer import ObliviousTrees


def to_oblivious_trees(fitted: FittedEstimator) -> ObliviousTrees:
    """The trees of a fitted estimator.

    Parameters
    ----------
    fitted
        A fitted ``catboost`` estimator on numerical features.

    Returns
    -------
    ObliviousTrees
        Its margin equals ``fitted.margin`` up to rounding (checked to 1e-8 whenever a bundle is made).

    Raises
    ------
    ValueError
        When the estimator cannot be written as plain arrays.

    Notes
    -----
    In CatBoost's JSON the first split of a tree sets the lowest bit of the leaf number. Trees may be shallower than
    the declared depth; they are padded with levels that are never taken.
    """
    if fitted.name not in SERVABLE:
        raise ValueError(f"expected an estimator among {', '.join(SERVABLE)}, got {fitted.name}: it has no plain form")
    export = _export(fitted.model)
    trees = export["oblivious_trees"]
    scale, (bias,) = export["scale_and_bias"]
    depth = max(len(tree["splits"] or ()) for tree in trees)
    feature = np.zeros((len(trees), depth), dtype=np.int32)
    border = np.full((len(trees), depth), np.inf, dtype=np.float32)
    leaf_value = np.zeros((len(trees), 2**depth))
    for row, tree in enumerate(trees):
        for level, split in enumerate(tree["splits"] or ()):
            feature[row, level] = split["float_feature_index"]
            border[row, level] = split["border"]
        leaf_value[row, : len(tree["leaf_values"])] = np.asarray(tree["leaf_values"]) * scale
    return ObliviousTrees(feature, border, leaf_value, float(bias))


def _export(model) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return json.loads(path.read_bytes())
