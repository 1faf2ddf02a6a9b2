import pytest

from fraud_core import errors
from fraud_core.errors import ContractError, FraudCoreError


def test_every_error_of_the_package_is_caught_by_its_base():
    own = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert len(own) > 5
    for error in own:
        assert issubclass(error, FraudCoreError)
        assert error is FraudCoreError or error.__name__ in errors.__doc__


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({}, "t.csv: expected a number, found 'x'; correct the file"),
        ({"column": "V1"}, "t.csv, column V1: expected a number"),
        ({"column": "V1", "row": 3}, "t.csv, column V1, row 3: expected a number"),
        ({"fix": "leave it out"}, "found 'x'; leave it out"),
    ],
)
def test_broken_contract_names_place_rule_value_and_fix(place, words):
    error = ContractError(file="t.csv", rule="a number", found="'x'", **place)
    assert words in str(error)
    assert (error.file, error.column, error.row) == (
        "t.csv",
        place.get("column"),
        place.get("row"),
    )
