"""The model bundle: everything that decides, in files that are verified before they are believed.

    contract.json    what a request must hold: fields in order, types, ranges, which is the amount
    model.npz        trees, contributions of their leaves, votes of the parts (plain arrays)
    policy.json      calibration, threshold, alert budget, costs and rule of the decisions
    reference.json   distribution of each feature and of the score in the training data
    origin.json      data digests, parameters, how the model and its policy were chosen
    manifest.json    sha256 of each file above, and of the data, code and notebooks behind it
    manifest.sig     Ed25519 signature of the manifest, when it was signed

The model version is the digest of the first five, so equal models have equal versions wherever they
are made; the lineage is known by the digest of the manifest. This module opens files, unlike the
rest of the room: a bundle is its files.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fraud_core.bundle.arrays import AGAIN, ModelArrays, decode_arrays, encode_arrays
from fraud_core.bundle.files import CONTENT, decode, sha256_of, to_json, version_of
from fraud_core.bundle.schema import Contract, Manifest, Policy, Reference
from fraud_core.bundle.signing import verify
from fraud_core.errors import BundleError
from fraud_core.scoring.oblivious_trees import Calibration, ObliviousTrees

FORMAT = 2
MAX_FILE_BYTES = 64 << 20
SIGNATURE = "manifest.sig"


@dataclass(frozen=True)
class Bundle:
    """A verified model, ready to score.

    Attributes
    ----------
    version, policy_version
        Digest of the content files, and of the policy alone.
    """

    contract: Contract
    model: ModelArrays
    policy: Policy
    reference: Reference
    origin: dict[str, Any]
    version: str
    policy_version: str

    @property
    def trees(self) -> ObliviousTrees:
        """What scores."""
        return self.model.trees

    @property
    def calibration(self) -> Calibration:
        """What turns log-odds into a probability."""
        return Calibration(self.policy.slope, self.policy.intercept)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probability of fraud, shape (n_samples,).

        Parameters
        ----------
        features
            Shape (n_samples, n_features), columns in the order of ``contract.model_features``.
        """
        return self.calibration.probability(self.trees.log_odds(features))


@dataclass(frozen=True)
class Promoted:
    """A bundle that was promoted, with the manifest that it was verified against."""

    bundle: Bundle
    manifest: Manifest
    lineage_id: str


def write_content(
    folder: Path,
    *,
    contract: Contract,
    model: ModelArrays,
    policy: Policy,
    reference: Reference,
    origin: dict[str, Any],
) -> str:
    """Write the content files of a bundle (no manifest) and return the model version.

    The same content gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "contract.json": to_json(contract),
        "model.npz": encode_arrays(model),
        "policy.json": to_json(policy),
        "reference.json": to_json(reference),
        "origin.json": to_json(origin),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return content_version(folder)


def content_version(folder: Path) -> str:
    """The model version: 16 hexadecimal digits over the content files of a bundle."""
    return version_of(sha256_of(_read_content_files(folder)))


def write_manifest(
    folder: Path,
    *,
    git_revision: str,
    library_versions: dict[str, str],
    code_sha256: dict[str, str] | None = None,
    notebooks_sha256: dict[str, str] | None = None,
) -> Manifest:
    """Seal the content files of a bundle with a manifest, and return it."""
    files = _read_content_files(folder)
    origin = decode(files["origin.json"], dict[str, Any], "origin.json")
    manifest = Manifest(
        format=FORMAT,
        model_version=version_of(sha256_of(files)),
        sha256=sha256_of(files),
        git_revision=git_revision,
        library_versions=library_versions,
        data_sha256=origin["data_sha256"],
        parameters=origin["parameters"],
        code_sha256=code_sha256 or {},
        notebooks_sha256=notebooks_sha256 or {},
    )
    (folder / "manifest.json").write_bytes(to_json(manifest))
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle, of the format this version reads.

    Raises
    ------
    BundleError
        When it is missing, malformed or of another format.
    """
    return decode_manifest(_read(folder, "manifest.json"), folder.name)


def decode_manifest(content: bytes, name: str) -> Manifest:
    """The manifest in a file's content; `name` is what an error calls the bundle.

    Raises
    ------
    BundleError
        When it is malformed or of another format.
    """
    version = decode(content, _Format, "manifest.json").format
    if version != FORMAT:
        raise BundleError(f"{name}: expected bundle format {FORMAT}, found {version}; {AGAIN}")
    return decode(content, Manifest, "manifest.json")


def is_current(folder: Path) -> bool:
    """Whether the manifest of a bundle says the format that this version reads."""
    return decode(_read(folder, "manifest.json"), _Format, "manifest.json").format == FORMAT


class _Format(msgspec.Struct):
    format: int


def load_bundle(folder: Path, *, public_key: bytes | None = None) -> Promoted:
    """Read a bundle and verify it against its manifest; the
    bytes that are verified are the bytes that are used.

    Parameters
    ----------
    public_key
        PEM of the Ed25519 key that must have signed the manifest; None asks for no signature.

    Raises
    ------
    BundleError
        When a file is missing, altered or malformed, the signature is missing or another's, or the
        model cannot decide; nothing of such a bundle is used.
    """
    sealed = _read(folder, "manifest.json")
    if public_key is not None:
        verify(sealed, _read(folder, SIGNATURE), public_key)
    manifest, files = decode_manifest(sealed, folder.name), _read_content_files(folder)
    digests = sha256_of(files)
    for name, sha256 in digests.items():
        if manifest.sha256.get(name) != sha256:
            raise BundleError(
                f"{folder.name}/{name} was altered: the manifest says sha256 "
                f"{manifest.sha256.get(name)}, the file "
                f"has {sha256}; promote the model again with `make run`"
            )
    if version_of(digests) != manifest.model_version:
        raise BundleError(
            f"{folder.name}: the manifest's model version is not that of its files; promote again"
        )
    return Promoted(_bundle(files), manifest, lineage_id(sealed))


def lineage_id(sealed: bytes) -> str:
    """What a lineage is known by: 16 hexadecimal digits over the bytes of the manifest."""
    return hashlib.sha256(sealed).hexdigest()[:16]


def read_content(folder: Path) -> Bundle:
    """Read the content files of a bundle without a manifest: a candidate that is not promoted yet.

    Raises
    ------
    BundleError
        When a file is missing or malformed, or the model cannot decide.
    """
    return _bundle(_read_content_files(folder))


def _bundle(files: dict[str, bytes]) -> Bundle:
    sha256 = sha256_of(files)
    bundle = Bundle(
        contract=decode(files["contract.json"], Contract, "contract.json"),
        model=decode_arrays(files["model.npz"]),
        policy=decode(files["policy.json"], Policy, "policy.json"),
        reference=decode(files["reference.json"], Reference, "reference.json"),
        origin=decode(files["origin.json"], dict[str, Any], "origin.json"),
        version=version_of(sha256),
        policy_version=sha256["policy.json"][:16],
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
    contract, policy, model = bundle.contract, bundle.policy, bundle.model
    names, n_features = [field.name for field in contract.fields], len(contract.model_features)
    described = [*bundle.reference.features.values(), bundle.reference.score]
    lowest = model.trees.feature.min()
    highest = max(model.trees.feature.max(), model.tables.feature_index.max())
    checks = {
        "contract.json: a field is named twice": len(set(names)) == len(names),
        "contract.json: a model feature is no field": set(contract.model_features) <= set(names),
        "contract.json: a field is not a number": all(
            field.type in ("float", "int") for field in contract.fields
        ),
        "contract.json: the amount is no field": contract.amount in names,
        "policy.json: the threshold is not a probability": 0.0 <= policy.threshold <= 1.0,
        "policy.json: the calibration does not grow with the log-odds": policy.slope > 0.0,
        "model.npz: it asks for a feature that the contract does not have": lowest >= 0
        and highest < n_features,
        "model.npz: the votes are about other features": len(model.votes.centre) == n_features,
        "reference.json: a model feature is not described": set(bundle.reference.features)
        >= set(contract.model_features),
        "reference.json: a distribution is none": all(
            feature.is_distribution() for feature in described
        ),
    }
    for complaint, holds in checks.items():
        if not holds:
            raise BundleError(f"{complaint}; {AGAIN}")


def _read_content_files(folder: Path) -> dict[str, bytes]:
    """The content files of a bundle."""
    return {name: _read(folder, name) for name in CONTENT}


def _read(folder: Path, name: str) -> bytes:
    """One file of a bundle; what is missing, too large or unreadable is a BundleError."""
    path = folder / name
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BundleError(
                f"{folder.name}/{name} is larger than {MAX_FILE_BYTES >> 20} MiB; no part of a "
                "bundle is"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        hint = "make the bundle again with `make run`"
        raise BundleError(f"{folder.name}: no bundle there ({name} is missing); {hint}") from error
    except OSError as error:
        raise BundleError(
            f"{folder.name[:80]}/{name} cannot be read: {error.strerror}; check the path"
        ) from error
