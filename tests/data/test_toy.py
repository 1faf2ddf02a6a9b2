import pytest

from fraud_core.data.contract import check_columns, check_values
from fraud_core.data.toy import toy_clients, toy_transactions


def test_toy_transactions_fulfil_their_card(toy, card):
    check_columns(toy.columns, card, file="toy")
    check_values(toy, card, file="toy")


def test_equal_seeds_give_equal_tables():
    assert toy_transactions(100, seed=5).equals(toy_transactions(100, seed=5))
    assert not toy_transactions(100, seed=5).equals(toy_transactions(100, seed=6))
    assert toy_clients(50, seed=1).equals(toy_clients(50, seed=1))


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="n_rows >= 40"):
        toy_transactions(39, seed=0)
