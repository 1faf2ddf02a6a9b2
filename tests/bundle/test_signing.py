import pytest

from fraud_core.bundle import load as bundle
from fraud_core.bundle.signing import new_key_pair, sign, verify
from fraud_core.errors import BundleError, ParameterError


@pytest.fixture
def signed(champion):
    private, public = new_key_pair()
    (champion / bundle.SIGNATURE).write_bytes(
        sign((champion / "manifest.json").read_bytes(), private)
    )
    return champion, public


def test_signed_bundle_is_taken_and_its_lineage_is_that_of_its_manifest(signed):
    champion, public = signed
    found = bundle.load_bundle(champion, public_key=public)
    assert found.lineage_id == bundle.lineage_id((champion / "manifest.json").read_bytes())


def test_unsigned_bundle_is_refused_where_a_key_is_demanded(champion):
    _, public = new_key_pair()
    with pytest.raises(BundleError, match=r"manifest\.sig is missing"):
        bundle.load_bundle(champion, public_key=public)


def test_signature_of_another_key_or_of_another_manifest_is_refused(signed):
    champion, public = signed
    with pytest.raises(BundleError, match="not a signature of this manifest"):
        bundle.load_bundle(champion, public_key=new_key_pair()[1])
    manifest = champion / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"r"', b'"s"'))
    assert bundle.load_bundle(champion).manifest.git_revision == "s"
    with pytest.raises(BundleError, match="not a signature of this manifest"):
        bundle.load_bundle(champion, public_key=public)


@pytest.mark.parametrize(
    "key", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_key_that_is_none_is_one_clear_error(signed, key):
    with pytest.raises(ParameterError, match="expected an Ed25519"):
        bundle.load_bundle(signed[0], public_key=key)
    with pytest.raises(ParameterError, match="expected an Ed25519"):
        sign(b"", key)


@pytest.mark.parametrize("signature", [b"", b"not base64!", b"AAAA"])
def test_signature_that_is_none_is_refused(signature):
    _, public = new_key_pair()
    with pytest.raises(BundleError, match="not a signature"):
        verify(b"content", signature, public)


def test_halves_of_a_key_do_not_stand_for_each_other():
    private, public = new_key_pair()
    verify(b"content", sign(b"content", private), public)
    with pytest.raises(ParameterError, match="expected an Ed25519 private key"):
        sign(b"content", public)
    with pytest.raises(ParameterError, match="expected an Ed25519 public key"):
        verify(b"content", sign(b"content", private), private)
