import io
import json
import zipfile
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.bundle.arrays import ARRAYS, ModelArrays, encode_arrays
from fraud_core.bundle.files import CONTENT
from fraud_core.bundle.schema import Contract, Described, Field, Policy, Reference
from fraud_core.bundle.signing import new_key_pair, sign
from fraud_core.errors import BundleError, ParameterError
from fraud_core.policy.actions import DecisionPolicy, PolicySettings
from fraud_core.scoring.leaf_tables import build_leaf_tables
from fraud_core.scoring.oblivious_trees import ObliviousTrees
from fraud_core.scoring.partition_ensemble import PartitionEnsemble

TREES = ObliviousTrees(
    np.array([[1, 0]], "i4"), np.array([[0.5, 2.0]], "f4"), np.arange(4.0)[None, :], 0.25
)
CONTRACT = Contract(
    card="t",
    fields=tuple(Field(name, "float", None, None) for name in ("Time", "a", "b")),
    model_features=("a", "b"),
    amount="b",
)
SETTINGS = PolicySettings(1.0, 0.1, 0.1, 100.0, 1.0)
ACTIONS = DecisionPolicy("expected_loss", SETTINGS, review_cost_eur=5.0, review_price_eur=0.0)
POLICY = Policy(slope=1.0, intercept=0.0, threshold=0.5, alert_budget=0.01, actions=ACTIONS)
DESCRIBED = Described((0.0,), (0.5, 0.5), 2, -1.0, 1.0, -0.5, 0.5)
REFERENCE = Reference({"a": DESCRIBED, "b": DESCRIBED}, DESCRIBED)
VOTES = PartitionEnsemble(np.ones((3, 3)), np.zeros(3), np.zeros(2), np.ones(2))


def arrays(trees=TREES, votes=VOTES, **tables):
    built = build_leaf_tables(trees, np.ones(trees.leaf_value.shape))
    return ModelArrays(trees, replace(built, **tables), votes)


def write(folder, **change):
    content = {
        "contract": CONTRACT,
        "model": arrays(),
        "policy": POLICY,
        "reference": REFERENCE,
        "origin": {"data_sha256": {"v0": "0"}, "parameters": {}},
    }
    return bundle.write_content(folder, **(content | change))


@pytest.fixture
def champion(tmp_path):
    folder = tmp_path / "champion"
    write(folder)
    bundle.write_manifest(folder, git_revision="r", library_versions={"numpy": "1"})
    return folder


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


def test_arrays_are_written_without_large_file_headers_which_differ_between_releases_of_python():
    with zipfile.ZipFile(io.BytesIO(encode_arrays(arrays()))) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == [f"{name}.npy" for name in ARRAYS]
    assert {(entry.extract_version, entry.extra, entry.create_system) for entry in entries} == {
        (20, b"", 3)
    }


def test_equal_content_gives_equal_bytes_and_version(tmp_path):
    assert write(tmp_path / "one") == write(tmp_path / "two")
    for name in CONTENT:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_any_change_of_content_changes_the_version(tmp_path):
    other = msgspec.structs.replace(POLICY, threshold=0.6)
    assert write(tmp_path / "one") != write(tmp_path / "two", policy=other)


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


def test_pickled_arrays_are_refused(tmp_path):
    write(tmp_path)
    np.savez(tmp_path / "model.npz", feature=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match=r"model\.npz"):
        bundle.read_content(tmp_path)


def tamper(folder, **change):
    """Write a bundle, then put other arrays into it."""
    write(folder)
    with np.load(folder / "model.npz") as found:
        arrays = dict(found)
    np.savez(folder / "model.npz", **(arrays | change))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"feature": np.array([[7, 0]], "i4")}, "feature that the contract does not have"),
        ({"feature": np.array([[-1, 0]], "i4")}, "feature that the contract does not have"),
        ({"player": np.array([[7, 0]], "i4")}, "feature that the contract does not have"),
        ({"feature": np.array([[0.5, 0.0]])}, "not a model of this format"),
        ({"feature": np.zeros((0, 2), "i4")}, "expected two-dimensional"),
        ({"border": np.zeros((2, 2), "f4")}, "border does not fit"),
        ({"leaf_value": np.zeros((1, 3))}, "leaf_value does not fit"),
        ({"border": np.array([[np.nan, 1.0]], "f4")}, "border holds a value that is not finite"),
        ({"leaf_value": np.array([[0.0, 1.0, np.nan, 3.0]])}, "not finite"),
        ({"leaf_value": np.array([[0.0, 1.0, np.inf, 3.0]])}, "not finite"),
        ({"leaf_value": np.array([[0.0, 1.0, 2.0, 3.0]], complex)}, "not a model of this format"),
        ({"bias": np.array(np.nan)}, "not finite"),
        ({"bias": np.array(1.25)}, "do not add up to the log-odds"),
        ({"contribution": np.zeros((1, 4, 2))}, "do not add up to the log-odds"),
        ({"vote_scale": np.array([1.0, 0.0])}, "vote_scale holds a value that is not positive"),
        ({"vote_centre": np.zeros(3)}, "vote_centre does not fit"),
    ],
)
def test_model_that_cannot_decide_is_refused(tmp_path, change, complaint):
    tamper(tmp_path, **change)
    with pytest.raises(BundleError, match=complaint):
        bundle.read_content(tmp_path)


def test_votes_about_other_features_are_refused(tmp_path):
    write(
        tmp_path,
        model=arrays(
            votes=PartitionEnsemble(np.ones((3, 4)), np.zeros(3), np.zeros(3), np.ones(3))
        ),
    )
    with pytest.raises(BundleError, match="votes are about other features"):
        bundle.read_content(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"shares": (0.5, 0.6)},
        {"shares": (1.0,)},
        {"edges": (0.0, 0.0), "shares": (0.2, 0.3, 0.5)},
        {"low": 2.0},
    ],
)
def test_reference_that_is_no_distribution_is_refused(tmp_path, change):
    write(
        tmp_path,
        reference=Reference(REFERENCE.features, msgspec.structs.replace(DESCRIBED, **change)),
    )
    with pytest.raises(BundleError, match="a distribution is none"):
        bundle.read_content(tmp_path)


def test_feature_without_reference_is_refused(tmp_path):
    write(tmp_path, reference=Reference({"a": DESCRIBED}, DESCRIBED))
    with pytest.raises(BundleError, match="a model feature is not described"):
        bundle.read_content(tmp_path)


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


@pytest.mark.parametrize("content", [b"", b"PK garbage", b"\x93NUMPY", b"\x00" * 100])
def test_damaged_arrays_are_one_clear_error(tmp_path, content):
    write(tmp_path)
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.npz"):
        bundle.read_content(tmp_path)


@pytest.mark.parametrize("content", [b"{", b'{"\xff": 1}', b"[" * 100_000])
def test_damaged_manifest_is_one_clear_error(champion, content):
    (champion / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        bundle.load_bundle(champion)


def test_path_that_cannot_be_is_one_clear_error(tmp_path):
    with pytest.raises(BundleError, match="cannot be read"):
        bundle.load_bundle(tmp_path / ("x" * 5000))
