import msgspec
import pytest

from fraud_core.bundle.files import CONTENT, decode, sha256_of, to_json, version_of
from fraud_core.errors import BundleError
from tests.bundle.toy_bundle import POLICY, write


def test_equal_content_gives_equal_bytes_and_version(tmp_path):
    assert write(tmp_path / "one") == write(tmp_path / "two")
    for name in CONTENT:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_any_change_of_content_changes_the_version(tmp_path):
    other = msgspec.structs.replace(POLICY, threshold=0.6)
    assert write(tmp_path / "one") != write(tmp_path / "two", policy=other)


def test_digest_is_that_of_the_bytes():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_of({"a": b"", "b": b"x"})["a"] == empty


def test_version_is_of_names_and_digests():
    versions = {version_of(files) for files in ({"a": "1"}, {"a": "2"}, {"b": "1"}, {})}
    assert len(versions) == 4
    assert {len(version) for version in versions} == {16}


def test_order_of_keys_does_not_change_the_bytes_and_a_struct_comes_back():
    assert to_json({"b": 1, "a": 2}) == to_json({"a": 2, "b": 1})
    assert decode(to_json(POLICY), type(POLICY), "policy.json") == POLICY


@pytest.mark.parametrize("content", [b"", b"[]", b'{"slope": "x"}', b"\xff", b"[" * 100_000])
def test_malformed_content_names_its_file(content):
    with pytest.raises(BundleError, match=r"policy\.json: not a part of a bundle"):
        decode(content, type(POLICY), "policy.json")
