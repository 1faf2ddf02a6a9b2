import polars as pl
import pytest

from fraud_core.data.describe import describe_version, smallest_visible_change
from fraud_core.data.toy import toy_transactions


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
