import polars as pl
import pytest

from fraud_core.data.contract import check_columns, check_values
from fraud_core.data.describe import describe_version, smallest_visible_change
from fraud_core.data.rows import to_transactions
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


def test_description_by_hand(card):
    table = toy_transactions(40, seed=0).with_columns(pl.lit(10.0).alias("Amount"))
    described = describe_version(pl.concat([table, table.tail(2)]), card)
    assert described["rows"] == 42
    assert described["frauds"] == 2
    assert described["duplicates"] == 2
    assert described["fraud_amount_eur"] == 20.0
    assert described["fraud_share"] == pytest.approx(2 / 42)


def test_smallest_visible_change_by_hand():
    assert smallest_visible_change(100) == pytest.approx(0.2)


def test_arrays_hold_features_in_card_order(toy, card):
    arrays = to_transactions(toy, card)
    assert arrays.X.dtype == "float32"
    assert arrays.X[3, -1] == pytest.approx(toy["Amount"][3], rel=1e-6)
    assert arrays.y_observed.sum() == toy["Class"].sum()
