"""Ed25519 signatures of bundles: who holds the private key promoted this model."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from fraud_core.errors import BundleError, ParameterError


def sign(content: bytes, private_key_pem: bytes) -> bytes:
    """The signature of a content in base64.

    Raises
    ------
    ParameterError
        When the key is no Ed25519 private key in PEM form.

    References
    ----------
    RFC 8032, Edwards-Curve Digital Signature Algorithm (EdDSA).

    Examples
    --------
    >>> private, public = new_key_pair()
    >>> verify(b"content", sign(b"content", private), public)
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise ParameterError(
            "signing key: expected an Ed25519 private key in PEM form without a password"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ParameterError(
            "signing key: expected an Ed25519 private key, got a key of another kind"
        )
    return b64encode(key.sign(content)) + b"\n"


def verify(content: bytes, signature: bytes, public_key_pem: bytes) -> None:
    """Return when the signature of the content was made with the private half of a key.

    Raises
    ------
    ParameterError
        When the key is no Ed25519 public key in PEM form.
    BundleError
        When the signature is not one of this content by this key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key_pem)
    except ValueError as error:
        raise ParameterError("public key: expected an Ed25519 public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ParameterError(
            "public key: expected an Ed25519 public key, got a key of another kind"
        )
    try:
        key.verify(b64decode(signature.strip(), validate=True), content)
    except (InvalidSignature, Base64Error, ValueError) as error:
        raise BundleError(
            "manifest.sig: not a signature of this manifest by the key that is expected"
        ) from error


def new_key_pair() -> tuple[bytes, bytes]:
    """A new private and public key, in PEM form."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    private = Ed25519PrivateKey.generate()
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )
