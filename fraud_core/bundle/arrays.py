"""The arrays of a bundle in one file without pickle:
trees, contributions of their leaves, votes of the parts.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fraud_core.errors import BundleError
from fraud_core.scoring.leaf_tables import LeafTables
from fraud_core.scoring.oblivious_trees import ObliviousTrees
from fraud_core.scoring.partition_ensemble import PartitionEnsemble

ADDITIVITY = 1e-6
UNIX = 3  # the system that a zip archive names as its writer
ARRAYS = {
    "feature": np.int32,
    "border": np.float32,
    "leaf_value": np.float64,
    "bias": np.float64,
    "player": np.int32,
    "contribution": np.float64,
    "base": np.float64,
    "vote_weights": np.float64,
    "vote_limits": np.float64,
    "vote_centre": np.float64,
    "vote_scale": np.float64,
}
AGAIN = "make the bundle again with `make run`"


@dataclass(frozen=True)
class ModelArrays:
    """What scores, what explains, and what votes."""

    trees: ObliviousTrees
    tables: LeafTables
    votes: PartitionEnsemble


def encode_arrays(model: ModelArrays) -> bytes:
    """The arrays as an uncompressed ``.npz``; equal arrays give equal bytes."""
    trees, tables, votes = model.trees, model.tables, model.votes
    values = (
        trees.feature,
        trees.border,
        trees.leaf_value,
        trees.bias,
        tables.feature_index,
        tables.contribution,
        tables.base,
        votes.weights,
        votes.limits,
        votes.centre,
        votes.scale,
    )
    return _npz(
        {name: np.asarray(value, ARRAYS[name]) for name, value in zip(ARRAYS, values, strict=True)}
    )


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    # Not np.savez: it asks zipfile for large-file headers, which releases of Python write
    # differently, and the version of a model is the digest of these bytes.
    out = io.BytesIO()
    # NumPy's stub leaves the pair of the version without types
    write: Callable[..., None] = cast(Any, np.lib.format).write_array
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            write(content, array, version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.create_system = UNIX
            archive.writestr(entry, content.getvalue())
    return out.getvalue()


def decode_arrays(content: bytes) -> ModelArrays:
    """Read and check the arrays of a bundle.

    Raises
    ------
    BundleError
        When an array is missing, of another type, not finite, or does not fit the others.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            named = {
                name: arrays[name].astype(kind, casting="same_kind")
                for name, kind in ARRAYS.items()
            }
    except (
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
    ) as error:
        raise BundleError(f"model.npz: not a model of this format: {error}; {AGAIN}") from error
    _check_shapes(named)
    bias, base = float(named["bias"]), float(named["base"])
    model = ModelArrays(
        ObliviousTrees(named["feature"], named["border"], named["leaf_value"], bias),
        LeafTables(named["player"], named["contribution"], base),
        PartitionEnsemble(
            named["vote_weights"], named["vote_limits"], named["vote_centre"], named["vote_scale"]
        ),
    )
    _check_additive(model)
    return model


def _check_shapes(named: dict[str, np.ndarray]) -> None:
    shape, votes = named["feature"].shape, named["vote_weights"].shape
    if len(shape) != 2 or 0 in shape or len(votes) != 2:
        raise BundleError(f"model.npz: expected two-dimensional splits and votes; {AGAIN}")
    leaves = (shape[0], 2 ** min(shape[1], 16))
    expected = {
        "border": shape,
        "leaf_value": leaves,
        "bias": (),
        "player": shape,
        "contribution": (*leaves, shape[1]),
        "base": (),
        "vote_limits": votes[:1],
        "vote_centre": (votes[1] - 1,),
        "vote_scale": (votes[1] - 1,),
    }
    for name, wanted in expected.items():
        if named[name].shape != wanted:
            raise BundleError(
                f"model.npz: {name} does not fit the trees: shape {named[name].shape}; {AGAIN}"
            )
    for name, values in named.items():
        if np.isnan(values).any() or (name != "border" and not np.isfinite(values).all()):
            raise BundleError(f"model.npz: {name} holds a value that is not finite; {AGAIN}")
    if not (named["vote_scale"] > 0).all():
        raise BundleError(f"model.npz: vote_scale holds a value that is not positive; {AGAIN}")


def _check_additive(model: ModelArrays) -> None:
    """Contributions of each leaf and one constant of its
    tree must be the leaf's value, or reasons would be wrong.
    """
    trees, tables = model.trees, model.tables
    leaf = np.arange(trees.leaf_value.shape[1], dtype=np.intp)
    level = np.arange(trees.feature.shape[1], dtype=np.intp)
    right: NDArray[np.bool_] = (leaf[None, :, None] >> level) & 1 == 1
    never = right & np.isinf(trees.border)[:, None, :]
    constant = trees.leaf_value - tables.contribution.sum(axis=2)
    constant = np.where(never.any(axis=2), constant[:, :1], constant)
    whole = trees.bias + constant[:, 0].sum() - tables.base
    if max(np.ptp(constant, axis=1).max(), abs(whole)) > ADDITIVITY:
        raise BundleError(
            f"model.npz: contributions and base do not add up to the log-odds; {AGAIN}"
        )
