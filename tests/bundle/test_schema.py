import msgspec
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.bundle.schema import Reference
from fraud_core.errors import BundleError
from tests.bundle.toy_bundle import DESCRIBED, REFERENCE, write


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


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"edges": (), "shares": (1.0,)},
        {"low": -1.0, "high": -1.0},
        {"shares": (1.0, 0.0), "missing": 3},
    ],
)
def test_whole_and_ascending_distribution_is_one(change):
    assert msgspec.structs.replace(DESCRIBED, **change).is_distribution()


def test_unknown_part_of_a_reference_is_refused():
    sent = msgspec.json.encode(REFERENCE)
    assert msgspec.json.decode(sent, type=Reference) == REFERENCE
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.json.decode(sent[:-1] + b',"colour":1}', type=Reference)
