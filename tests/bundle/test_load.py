import json

import msgspec
import numpy as np
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.bundle.files import CONTENT
from fraud_core.bundle.schema import Contract, Field, Reference
from fraud_core.errors import BundleError
from fraud_core.scoring.partition_ensemble import PartitionEnsemble
from tests.bundle.toy_bundle import CONTRACT, DESCRIBED, POLICY, TREES, arrays, write


def test_bundle_comes_back_as_it_was_written(champion):
    found = bundle.load_bundle(champion).bundle
    assert found.contract == CONTRACT
    assert found.policy == POLICY
    np.testing.assert_array_equal(found.trees.leaf_value, TREES.leaf_value)
    # second feature above 0.5 sets bit 0; first above 2 sets bit 1
    expected = 1 / (1 + np.exp(-(0.25 + np.array([0.0, 1.0, 2.0, 3.0]))))
    rows = np.array([[0, 0], [0, 1], [3, 0], [3, 1]])
    np.testing.assert_allclose(found.probability(rows), expected)


def test_manifest_names_every_file_and_the_origin(champion):
    manifest = json.loads((champion / "manifest.json").read_bytes())
    assert set(manifest["sha256"]) == {p.name for p in champion.iterdir()} - {"manifest.json"}
    assert manifest["git_revision"] == "r"
    assert manifest["data_sha256"] == {"v0": "0"}
    assert manifest["library_versions"] == {"numpy": "1"}


@pytest.mark.parametrize("name", CONTENT)
def test_altered_file_is_refused_by_name(champion, name):
    content = bytearray((champion / name).read_bytes())
    content[len(content) // 2] ^= 1
    (champion / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} was altered"):
        bundle.load_bundle(champion)


@pytest.mark.parametrize("name", [*CONTENT, "manifest.json"])
def test_missing_file_is_refused_by_name(champion, name):
    (champion / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        bundle.load_bundle(champion)


def test_manifest_with_another_version_is_refused(champion):
    manifest = json.loads((champion / "manifest.json").read_bytes()) | {"model_version": "0" * 16}
    (champion / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="not that of its files"):
        bundle.load_bundle(champion)


def test_other_format_is_refused(champion):
    manifest = json.loads((champion / "manifest.json").read_bytes()) | {"format": 99}
    (champion / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="format 2, found 99"):
        bundle.load_bundle(champion)


def test_votes_about_other_features_are_refused(tmp_path):
    write(
        tmp_path,
        model=arrays(
            votes=PartitionEnsemble(np.ones((3, 4)), np.zeros(3), np.zeros(3), np.ones(3))
        ),
    )
    with pytest.raises(BundleError, match="votes are about other features"):
        bundle.read_content(tmp_path)


def test_feature_without_reference_is_refused(tmp_path):
    write(tmp_path, reference=Reference({"a": DESCRIBED}, DESCRIBED))
    with pytest.raises(BundleError, match="a model feature is not described"):
        bundle.read_content(tmp_path)


@pytest.mark.parametrize(
    "change", [{"threshold": 5.0}, {"threshold": -1.0}, {"slope": 0.0}, {"slope": -1.0}]
)
def test_policy_that_cannot_decide_is_refused(tmp_path, change):
    write(tmp_path, policy=msgspec.structs.replace(POLICY, **change))
    with pytest.raises(BundleError, match=r"policy\.json"):
        bundle.read_content(tmp_path)


@pytest.mark.parametrize(
    "contract",
    [
        Contract("t", CONTRACT.fields + CONTRACT.fields[:1], ("a", "b"), "b"),
        Contract("t", CONTRACT.fields, ("a", "z"), "b"),
        Contract("t", CONTRACT.fields, ("a", "b"), "z"),
        Contract("t", (Field("a", "text", None, None),), ("a",), "a"),
    ],
)
def test_contract_that_does_not_fit_is_refused(tmp_path, contract):
    write(tmp_path, contract=contract)
    with pytest.raises(BundleError, match=r"contract\.json"):
        bundle.read_content(tmp_path)


@pytest.mark.parametrize("content", [b"{", b'{"\xff": 1}', b"[" * 100_000])
def test_damaged_manifest_is_one_clear_error(champion, content):
    (champion / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        bundle.load_bundle(champion)


def test_path_that_cannot_be_is_one_clear_error(tmp_path):
    with pytest.raises(BundleError, match="cannot be read"):
        bundle.load_bundle(tmp_path / ("x" * 5000))
