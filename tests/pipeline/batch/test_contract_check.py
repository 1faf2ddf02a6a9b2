import numpy as np
import polars as pl
import pytest

from fraud_core.bundle.schema import Contract, Field
from fraud_core.pipeline.batch.blocks import Block
from fraud_core.pipeline.batch.contract_check import check_rows

CONTRACT = Contract(
    "t",
    (
        Field("x", "float", -5.0, 5.0),
        Field("n", "int", None, None),
        Field("m", "float", None, None, True),
    ),
    ("x", "n", "m"),
    "x",
)


def checked(x, n, m, **columns):
    table = pl.DataFrame({"x": x, "n": n, "m": m}, strict=False)
    row = pl.int_range(1, table.height + 1, eager=True)
    return check_rows(Block(table, row, (), table.height, 0), CONTRACT)


def test_rows_that_keep_the_contract_come_through_with_nan_for_nothing():
    rows = checked([1.0, 2.0], [3, 4], [None, 5.0])
    assert rows.rejected.height == 0
    assert np.array_equal(rows.values, [[1, 3, np.nan], [2, 4, 5]], equal_nan=True)


@pytest.mark.parametrize(
    ("row", "field", "expected", "found"),
    [
        (("seven", "1", "1"), "x", "a number", "seven"),
        (("", "1", "1"), "x", "a value", ""),
        (("nan", "1", "1"), "x", "a finite number", "nan"),
        (("inf", "1", "1"), "x", "a finite number", "inf"),
        (("5.1", "1", "1"), "x", "at most 5", "5.1"),
        (("-6", "1", "1"), "x", "at least -5", "-6"),
        (("1", "1.5", "1"), "n", "a whole number", "1.5"),
        (("1", "9007199254740994", "1"), "n", "at most 15 digits", "9007199254740994"),
        (("1", "1", "1e999"), "m", "a finite number", "1e999"),
    ],
)
def test_a_row_is_refused_for_its_first_offence_and_the_others_are_kept(
    row, field, expected, found
):
    rows = checked(*([value, "1"] for value in row))
    assert rows.rejected.rows() == [(1, field, expected, found)]
    assert rows.accepted.tolist() == [1]
    assert rows.values.tolist() == [[1.0, 1.0, 1.0]]


def test_broken_rows_are_among_the_refused():
    block = Block(
        pl.DataFrame({"x": [1.0], "n": [1], "m": [1.0]}), pl.Series([2]), ((1, "9 fields"),), 2, 0
    )
    assert check_rows(block, CONTRACT).rejected.rows() == [
        (1, "", "a row as long as the header", "9 fields")
    ]


def test_a_column_of_another_kind_is_no_number():
    assert (
        checked([True, False], [1, 1], [1.0, 1.0]).rejected["expected"].to_list()
        == ["a number"] * 2
    )
