import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline.storage.acceptance_criteria import FOLDER, read_criteria


def test_criteria_of_a_card_are_those_of_its_file_and_no_file_asks_nothing(project):
    assert read_criteria("ulb")
    assert read_criteria("shop") == []
    source = project / FOLDER / "ulb.poisoning.yaml"
    (project / FOLDER / "shop.poisoning.yaml").write_bytes(source.read_bytes())
    assert read_criteria("shop") == read_criteria("ulb")


def test_malformed_file_is_named(project):
    (project / FOLDER / "shop.poisoning.yaml").write_text("- {metric: 1, colour: red}\n")
    with pytest.raises(ParameterError, match=r"shop\.poisoning\.yaml"):
        read_criteria("shop")
