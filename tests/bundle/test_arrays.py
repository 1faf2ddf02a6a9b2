import io
import zipfile

import numpy as np
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.bundle.arrays import ARRAYS, decode_arrays, encode_arrays
from fraud_core.errors import BundleError
from tests.bundle.toy_bundle import arrays, write


def test_arrays_are_written_without_large_file_headers_which_differ_between_releases_of_python():
    with zipfile.ZipFile(io.BytesIO(encode_arrays(arrays()))) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == [f"{name}.npy" for name in ARRAYS]
    assert {(entry.extract_version, entry.extra, entry.create_system) for entry in entries} == {
        (20, b"", 3)
    }


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


@pytest.mark.parametrize("content", [b"", b"PK garbage", b"\x93NUMPY", b"\x00" * 100])
def test_damaged_arrays_are_one_clear_error(tmp_path, content):
    write(tmp_path)
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.npz"):
        bundle.read_content(tmp_path)


def test_arrays_come_back_as_they_were_encoded_and_give_the_same_bytes_again():
    content = encode_arrays(arrays())
    found = decode_arrays(content)
    np.testing.assert_array_equal(found.trees.border, arrays().trees.border)
    np.testing.assert_array_equal(found.tables.contribution, arrays().tables.contribution)
    np.testing.assert_array_equal(found.votes.weights, arrays().votes.weights)
    assert (found.trees.bias, found.tables.base) == (arrays().trees.bias, arrays().tables.base)
    assert encode_arrays(found) == content
