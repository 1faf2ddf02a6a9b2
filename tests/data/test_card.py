import pytest

from fraud_core.data.card import decode_card
from fraud_core.errors import ParameterError
from tests.conftest import ROOT


def text(name: str) -> bytes:
    return (ROOT / "data" / "cards" / f"{name}.yaml").read_bytes()


def test_ulb_card_has_the_31_columns_in_their_roles():
    card = decode_card(text("ulb"), name="ulb.yaml")
    assert len(card.columns) == 31
    assert card.only("time") == "Time"
    assert card.only("label") == "Class"
    assert card.model_features == [*(f"V{i}" for i in range(1, 29)), "Amount"]


def test_sensitive_columns_of_uci_default_are_not_model_features():
    card = decode_card(text("uci_default"), name="uci_default.yaml")
    assert {"SEX", "AGE"} <= set(card.names("sensitive"))
    assert not set(card.names("sensitive")) & set(card.model_features)


def test_every_way_of_a_card_ends_in_a_pinned_digest():
    for name in ("ulb", "uci_default"):
        assert len(decode_card(text(name), name=name).sha256) == 64


def test_unknown_key_is_refused_by_name():
    with pytest.raises(ParameterError, match=r"ulb.yaml.*unknown field `colour`"):
        decode_card(text("ulb") + b"\ncolour: red\n", name="ulb.yaml")


def test_unknown_role_is_refused():
    broken = text("ulb").replace(b"role: amount", b"role: money")
    with pytest.raises(ParameterError, match=r"money.*columns"):
        decode_card(broken, name="ulb.yaml")


def test_doubled_column_is_refused():
    broken = text("ulb").replace(b"name: V2,", b"name: V1,")
    with pytest.raises(ParameterError, match="V1 is declared twice"):
        decode_card(broken, name="ulb.yaml")


def test_missing_role_names_the_card():
    card = decode_card(text("uci_default"), name="uci_default.yaml")
    with pytest.raises(ParameterError, match=r"uci_default.*role time, found 0"):
        card.only("time")
