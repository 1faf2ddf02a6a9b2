"""The model bundle: everything that decides, in files that are verified before they are believed.

    contract.json    what a request must hold: fields in order, types, ranges
    model.npz        borders, splits and leaf values of the trees (plain arrays, no pickle)
    policy.json      calibration, threshold, alert budget, review cost
    reference.json   distribution of each feature and of the score in the training data
    origin.json      data digests, parameters, how the model was chosen
    manifest.json    sha256 of each file above; revision and library versions of the promotion

The model version is the digest of the first five, so equal models have equal versions wherever they are made.
This module opens files, unlike the rest of the room: a bundle is its files.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fraud_core.errors import BundleError
from fraud_core.model.scorer import Calibration, ObliviousTrees

FORMAT = 1
CONTENT = ("contract.json", "model.npz", "policy.json", "reference.json", "origin.json")
MAX_FILE_BYTES = 64 << 20


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a request, with the closed range of its values."""

    name: str
    type: str
    min: float | None
    max: float | None


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a request in order, and those among them that the model sees, in its order."""

    card: str
    fields: tuple[Field, ...]
    model_features: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a margin becomes a probability and a probability a decision."""

    slope: float
    intercept: float
    threshold: float
    alert_budget: float
    review_cost_eur: float


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bundle consists of and where it came from."""

    format: int
    model_version: str
    sha256: dict[str, str]
    git_revision: str
    library_versions: dict[str, str]
    data_sha256: dict[str, str]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Bundle:
    """A verified model, ready to score."""

    contract: Contract
    trees: ObliviousTrees
    policy: Policy
    reference: dict[str, Any]
    origin: dict[str, Any]
    version: str

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probability of fraud, shape (n_samples,).

        Parameters
        ----------
        features
            Shape (n_samples, n_features), columns in the order of ``contract.model_features``.
        """
        calibration = Calibration(self.policy.slope, self.policy.intercept)
        return calibration.probability(self.trees.margin(features))


def write_content(
    folder: Path,
    *,
    contract: Contract,
    trees: ObliviousTrees,
    policy: Policy,
    reference: dict[str, Any],
    origin: dict[str, Any],
) -> str:
    """Write the content files of a bundle (no manifest) and return the model version.

    The same content gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = io.BytesIO()
    np.savez(arrays, feature=trees.feature, border=trees.border, leaf_value=trees.leaf_value, bias=np.array(trees.bias))
    files = {
        "contract.json": _json(contract),
        "model.npz": arrays.getvalue(),
        "policy.json": _json(policy),
        "reference.json": _json(reference),
        "origin.json": _json(origin),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return content_version(folder)


def content_version(folder: Path) -> str:
    """The model version: 16 hexadecimal digits over the content files of a bundle."""
    digest = hashlib.sha256()
    for name, sha256 in content_sha256(folder).items():
        digest.update(f"{name} {sha256}\n".encode())
    return digest.hexdigest()[:16]


def content_sha256(folder: Path) -> dict[str, str]:
    """The sha256 of each content file of a bundle.

    Raises
    ------
    BundleError
        When one is missing.
    """
    return {name: hashlib.sha256(_read(folder, name)).hexdigest() for name in CONTENT}


def write_manifest(folder: Path, *, git_revision: str, library_versions: dict[str, str]) -> Manifest:
    """Seal the content files of a bundle with a manifest, and return it."""
    origin = _decode(_read(folder, "origin.json"), dict[str, Any], "origin.json")
    manifest = Manifest(
        format=FORMAT,
        model_version=content_version(folder),
        sha256=content_sha256(folder),
        git_revision=git_revision,
        library_versions=library_versions,
        data_sha256=origin["data_sha256"],
        parameters=origin["parameters"],
    )
    (folder / "manifest.json").write_bytes(_json(manifest))
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle, of the format this version reads.

    Raises
    ------
    BundleError
        When it is missing, malformed or of another format.
    """
    if not (folder / "manifest.json").is_file():
        raise BundleError(f"{folder.name}: no bundle there (manifest.json is missing); make one with `make run`")
    manifest = _decode(_read(folder, "manifest.json"), Manifest, "manifest.json")
    if manifest.format != FORMAT:
        raise BundleError(f"{folder.name}: expected bundle format {FORMAT}, found {manifest.format}; make it anew")
    return manifest


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and verify it against its manifest.

    Raises
    ------
    BundleError
        When a file is missing, altered or malformed; nothing of an altered bundle is used.
    """
    manifest = read_manifest(folder)
    for name, sha256 in content_sha256(folder).items():
        if manifest.sha256.get(name) != sha256:
            raise BundleError(
                f"{folder.name}/{name} was altered: the manifest says sha256 {manifest.sha256.get(name)}, the file "
                f"has {sha256}; promote the model again with `make run`"
            )
    if content_version(folder) != manifest.model_version:
        raise BundleError(f"{folder.name}: the manifest's model version is not that of its files; promote again")
    return read_content(folder)


def read_content(folder: Path) -> Bundle:
    """Read the content files of a bundle without a manifest: a candidate that is not promoted yet.

    Raises
    ------
    BundleError
        When a file is missing, malformed or inconsistent with the others.
    """
    contract = _decode(_read(folder, "contract.json"), Contract, "contract.json")
    trees = _decode_trees(_read(folder, "model.npz"))
    if trees.feature.size and trees.feature.max() >= len(contract.model_features):
        raise BundleError(f"{folder.name}: the model asks for a feature that the contract does not have; make it anew")
    return Bundle(
        contract=contract,
        trees=trees,
        policy=_decode(_read(folder, "policy.json"), Policy, "policy.json"),
        reference=_decode(_read(folder, "reference.json"), dict[str, Any], "reference.json"),
        origin=_decode(_read(folder, "origin.json"), dict[str, Any], "origin.json"),
        version=content_version(folder),
    )


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def _decode(content: bytes, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise BundleError(f"{name}: not a part of a bundle: {error}; make the bundle anew with `make run`") from error


def _decode_trees(content: bytes) -> ObliviousTrees:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            trees = ObliviousTrees(arrays["feature"], arrays["border"], arrays["leaf_value"], float(arrays["bias"]))
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise BundleError(f"model.npz: not a model of this format: {error}; make the bundle anew") from error
    n_trees, depth = trees.feature.shape
    if trees.border.shape != (n_trees, depth) or trees.leaf_value.shape != (n_trees, 2**depth):
        raise BundleError("model.npz: the shapes of splits and leaves do not fit; make the bundle anew")
    return trees


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder.name}/{name} is missing; make the bundle anew with `make run`")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BundleError(f"{folder.name}/{name} is larger than {MAX_FILE_BYTES >> 20} MiB; it is no part of a bundle")
    return path.read_bytes()
