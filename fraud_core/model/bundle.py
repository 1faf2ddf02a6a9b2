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
import zipfile
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
    return _version(_sha256(_read_content_files(folder)))


def write_manifest(folder: Path, *, git_revision: str, library_versions: dict[str, str]) -> Manifest:
    """Seal the content files of a bundle with a manifest, and return it."""
    files = _read_content_files(folder)
    origin = _decode(files["origin.json"], dict[str, Any], "origin.json")
    manifest = Manifest(
        format=FORMAT,
        model_version=_version(_sha256(files)),
        sha256=_sha256(files),
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
    manifest = _decode(_read(folder, "manifest.json"), Manifest, "manifest.json")
    if manifest.format != FORMAT:
        raise BundleError(f"{folder.name}: expected bundle format {FORMAT}, found {manifest.format}; make it anew")
    return manifest


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and verify it against its manifest; the bytes that are verified are the bytes that are used.

    Raises
    ------
    BundleError
        When a file is missing, altered or malformed, or the model cannot decide; nothing of such a bundle is used.
    """
    manifest, files = read_manifest(folder), _read_content_files(folder)
    found = _sha256(files)
    for name, sha256 in found.items():
        if manifest.sha256.get(name) != sha256:
            raise BundleError(
                f"{folder.name}/{name} was altered: the manifest says sha256 {manifest.sha256.get(name)}, the file "
                f"has {sha256}; promote the model again with `make run`"
            )
    if _version(found) != manifest.model_version:
        raise BundleError(f"{folder.name}: the manifest's model version is not that of its files; promote again")
    return _bundle(files)


def read_content(folder: Path) -> Bundle:
    """Read the content files of a bundle without a manifest: a candidate that is not promoted yet.

    Raises
    ------
    BundleError
        When a file is missing or malformed, or the model cannot decide.
    """
    return _bundle(_read_content_files(folder))


def _bundle(files: dict[str, bytes]) -> Bundle:
    bundle = Bundle(
        contract=_decode(files["contract.json"], Contract, "contract.json"),
        trees=_decode_trees(files["model.npz"]),
        policy=_decode(files["policy.json"], Policy, "policy.json"),
        reference=_decode(files["reference.json"], dict[str, Any], "reference.json"),
        origin=_decode(files["origin.json"], dict[str, Any], "origin.json"),
        version=_version(_sha256(files)),
    )
    check_consistent(bundle)
    return bundle


def check_consistent(bundle: Bundle) -> None:
    """Refuse a bundle whose parts do not fit or that cannot give a probability.

    Raises
    ------
    BundleError
        Naming the part.
    """
    contract, policy, trees = bundle.contract, bundle.policy, bundle.trees
    names = [field.name for field in contract.fields]
    checks = {
        "contract.json: a field is named twice": len(set(names)) == len(names),
        "contract.json: a model feature is no field": set(contract.model_features) <= set(names),
        "contract.json: a field is not a number": all(field.type in ("float", "int") for field in contract.fields),
        "policy.json: the threshold is not a probability": 0.0 <= policy.threshold <= 1.0,
        "policy.json: the calibration does not grow with the margin": policy.slope > 0.0,
        "model.npz: it asks for a feature that the contract does not have": trees.feature.min() >= 0
        and trees.feature.max() < len(contract.model_features),
        "model.npz: a leaf or the bias is not finite": np.isfinite(trees.leaf_value).all() and np.isfinite(trees.bias),
        "model.npz: a border is undefined": not np.isnan(trees.border).any(),
    }
    for complaint, holds in checks.items():
        if not holds:
            raise BundleError(f"{complaint}; make the bundle anew with `make run`")


def _version(sha256: dict[str, str]) -> str:
    lines = "".join(f"{name} {digest}\n" for name, digest in sha256.items())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _sha256(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def _decode(content: bytes, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{name}: not a part of a bundle: {error}; make the bundle anew with `make run`") from error


def _decode_trees(content: bytes) -> ObliviousTrees:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            trees = ObliviousTrees(
                feature=arrays["feature"].astype(np.int32, casting="same_kind"),
                border=arrays["border"].astype(np.float32, casting="same_kind"),
                leaf_value=arrays["leaf_value"].astype(np.float64, casting="same_kind"),
                bias=float(arrays["bias"]),
            )
    except (ValueError, TypeError, AttributeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"model.npz: not a model of this format: {error}; make the bundle anew") from error
    shape = trees.feature.shape
    if len(shape) != 2 or not shape[0] or trees.border.shape != shape:
        raise BundleError("model.npz: the shapes of features and borders do not fit; make the bundle anew")
    if trees.leaf_value.shape != (shape[0], 2 ** shape[1]):
        raise BundleError("model.npz: the shapes of splits and leaves do not fit; make the bundle anew")
    return trees


def _read_content_files(folder: Path) -> dict[str, bytes]:
    return {name: _read(folder, name) for name in CONTENT}


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BundleError(f"{folder.name}/{name} is larger than {MAX_FILE_BYTES >> 20} MiB; no part of a bundle is")
        return path.read_bytes()
    except FileNotFoundError as error:
        hint = "make the bundle anew with `make run`"
        raise BundleError(f"{folder.name}: no bundle there ({name} is missing); {hint}") from error
    except OSError as error:
        raise BundleError(f"{folder.name[:80]}/{name} cannot be read: {error.strerror}; check the path") from error
