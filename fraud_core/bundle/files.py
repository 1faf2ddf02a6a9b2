"""The files of a bundle as bytes: their names, their digests, and the structs in them."""

import hashlib
from typing import TypeVar

import msgspec

from fraud_core.bundle.arrays import AGAIN
from fraud_core.errors import BundleError

Part = TypeVar("Part")
CONTENT = ("contract.json", "model.npz", "policy.json", "reference.json", "origin.json")


def version_of(sha256: dict[str, str]) -> str:
    """16 hexadecimal digits over the digests of files."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sha256.items())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def sha256_of(files: dict[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def to_json(value: object) -> bytes:
    """A struct as JSON that is the same for equal structs."""
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def decode(content: bytes, kind: type[Part], name: str) -> Part:
    """A struct from JSON; malformed content is a BundleError that names the file."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{name}: not a part of a bundle: {error}; {AGAIN}") from error
