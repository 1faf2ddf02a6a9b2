import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from tests.poisoning.study.toy_study import UNTOUCHED


def test_conditions_are_named_by_percents():
    assert Condition("symmetric", 0.2).key == "symmetric.20"
    assert Condition("symmetric", 0.07).slug == "symmetric_7"
    assert (CLEAN.key, CLEAN.percent, CLEAN.is_attack, UNTOUCHED.is_attack) == (
        "clean",
        "",
        False,
        True,
    )


@pytest.mark.parametrize("condition", [CLEAN, NULL_RUN])
def test_training_without_an_attack_has_neither_a_rate_nor_an_entry(condition):
    with pytest.raises(ValueError, match="expected an attack with a rate"):
        _ = condition.attack_rate
    with pytest.raises(ParameterError, match="attack: expected one of"):
        _ = condition.entry


def test_columns_tell_conditions_apart():
    few, many = Condition("symmetric", 0.005), Condition("symmetric", 0.5)
    assert few.columns == {"attack": "symmetric", "poison_rate": 0.005}
    assert CLEAN.columns == {"attack": "clean", "poison_rate": None}
    assert len({few.slug, many.slug, Condition("symmetric", 0.05).slug}) == 3
