"""Every refusal of the contract check, as a user would meet it: through a file."""

import gzip

import polars as pl
import pytest

from fraud_core.errors import ContractError
from fraud_core.pipeline.storage.tables import read_table

ROW = 7  # the data row that is broken, counted from 1


@pytest.fixture
def write(tmp_path):
    def write_table(table: pl.DataFrame):
        path = tmp_path / "payments.csv"
        table.write_csv(path)
        return path

    return write_table


def broken(toy: pl.DataFrame, column: str, value) -> pl.DataFrame:
    """The toy table with one value replaced, as text so that anything may stand there."""
    values = toy[column].cast(pl.String).to_list()
    values[ROW - 1] = value
    return toy.with_columns(pl.Series(column, values, dtype=pl.String))


def refusal(path, card) -> ContractError:
    with pytest.raises(ContractError) as caught:
        read_table(path, card)
    return caught.value


def test_valid_csv_and_parquet_give_the_same_table(toy, card, write, tmp_path):
    toy.write_parquet(tmp_path / "payments.parquet")
    from_csv, from_parquet = (
        read_table(write(toy), card),
        read_table(tmp_path / "payments.parquet", card),
    )
    assert from_csv.equals(from_parquet)
    assert from_csv.equals(toy)


def test_quoted_labels_and_scientific_times_are_read(toy, card, tmp_path):
    text = broken(toy.with_columns(pl.col("Time").sort()), "Time", "1e+01").with_columns(
        pl.lit("1e+01").alias("Time")
    )
    path = tmp_path / "payments.csv"
    text.write_csv(path, quote_style="always")
    assert read_table(path, card)["Time"].unique().to_list() == [10.0]


def test_missing_column(toy, card, write):
    error = refusal(write(toy.drop("V3")), card)
    assert (error.file, error.column) == ("payments.csv", "V3")
    assert "no such column" in str(error)


def test_extra_column(toy, card, write):
    error = refusal(write(toy.with_columns(extra=pl.lit(1))), card)
    assert error.column == "extra"


def test_renamed_column_names_both_names(toy, card, write):
    error = refusal(write(toy.rename({"V3": "v_3"})), card)
    assert error.column == "V3"
    assert "v_3" in str(error)


def test_wrong_type_names_row_and_value(toy, card, write):
    error = refusal(write(broken(toy, "V3", "abc")), card)
    assert (error.column, error.row) == ("V3", ROW)
    assert "'abc'" in str(error)


def test_wrong_type_in_parquet(toy, card, tmp_path):
    path = tmp_path / "payments.parquet"
    toy.with_columns(pl.col("V3") > 0).write_parquet(path)
    assert refusal(path, card).column == "V3"


@pytest.mark.parametrize("value", [None, ""])
def test_null(toy, card, write, value):
    error = refusal(write(broken(toy, "Amount", value)), card)
    assert (error.column, error.row, error.found) == ("Amount", ROW, "no value")


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf"])
def test_nan_and_infinities(toy, card, write, value):
    error = refusal(write(broken(toy, "V3", value)), card)
    assert (error.column, error.row) == ("V3", ROW)
    assert "finite" in error.rule


def test_negative_amount(toy, card, write):
    error = refusal(write(broken(toy, "Amount", "-0.01")), card)
    assert (error.column, error.row, error.rule) == ("Amount", ROW, "at least 0")


@pytest.mark.parametrize("value", ["2", "-1", "0.5"])
def test_label_other_than_0_or_1(toy, card, write, value):
    error = refusal(write(broken(toy, "Class", value)), card)
    assert (error.column, error.row) == ("Class", ROW)


def test_negative_time(toy, card, write):
    error = refusal(write(broken(toy, "Time", "-5")), card)
    assert (error.column, error.row) == ("Time", ROW)


def test_unsorted_time_names_the_first_step_back(toy, card, write):
    error = refusal(write(broken(toy, "Time", str(toy["Time"][0]))), card)
    assert (error.column, error.row, error.rule) == ("Time", ROW, "times in ascending order")


def test_value_above_the_range(toy, card, write):
    error = refusal(write(broken(toy, "V3", "1001")), card)
    assert (error.column, error.rule) == ("V3", "at most 1000")


def test_single_class(toy, card, write):
    error = refusal(write(toy.filter(pl.col("Class") == 0)), card)
    assert error.column == "Class"
    assert "only class 0" in error.found


def test_truncated_line(toy, card, write):
    path = write(toy)
    content = path.read_bytes().rstrip(b"\n")
    path.write_bytes(content[: content.rindex(b"\n") + 60])
    error = refusal(path, card)
    assert error.row == toy.height
    assert error.found == "no value"


def test_line_with_too_many_fields(toy, card, write):
    path = write(toy)
    path.write_bytes(path.read_bytes() + b"1,2,3," * 20 + b"\n")
    assert refusal(path, card).rule == "rows of 31 fields between ','"


def test_truncated_parquet(toy, card, tmp_path):
    path = tmp_path / "payments.parquet"
    toy.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(path, card).rule == "a whole parquet file"


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_empty_file(card, tmp_path, content):
    path = tmp_path / "payments.csv"
    path.write_bytes(content)
    assert refusal(path, card).found == "an empty file"


def test_header_without_rows(toy, card, write):
    assert refusal(write(toy.head(0)), card).found == "an empty table"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_any_delimiter_is_read(toy, card, tmp_path, delimiter):
    path = tmp_path / "payments.csv"
    toy.write_csv(path, separator=delimiter)
    assert read_table(path, card).equals(toy)


def test_semicolons_with_decimal_commas_are_read(toy, card, tmp_path):
    path = tmp_path / "payments.csv"
    toy.write_csv(path, separator=";", decimal_comma=True)
    assert read_table(path, card).equals(toy)


@pytest.mark.parametrize("ending", ["\n\n\n", "\r\n\r\n", ""])
def test_blank_lines_at_the_end_are_no_rows(toy, card, write, ending):
    path = write(toy)
    path.write_text(path.read_text().rstrip("\n") + ending, newline="")
    assert read_table(path, card).equals(toy)


def test_compressed_tables_are_read(toy, card, write, tmp_path):
    packed = tmp_path / "payments.csv.gz"
    packed.write_bytes(gzip.compress(write(toy).read_bytes()))
    assert read_table(packed, card).equals(toy)


def test_a_mark_of_utf8_is_no_part_of_the_first_name(toy, card, write):
    path = write(toy)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_table(path, card).equals(toy)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Time;V1\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "a zip archive or an Excel table"),
        (b"PAR1rest", "a parquet table; name it .parquet"),
    ],
)
def test_a_file_that_is_no_text_is_called_what_it_is(card, tmp_path, content, found):
    path = tmp_path / "payments.csv"
    path.write_bytes(content)
    assert refusal(path, card).found == found


def test_the_index_that_pandas_writes_is_called_so(toy, card, tmp_path):
    path = tmp_path / "payments.csv"
    toy.with_row_index("").write_csv(path)
    assert "as pandas writes its index" in refusal(path, card).found


def test_a_column_that_stands_twice_in_the_header_keeps_its_name(toy, card, write):
    path = write(toy)
    path.write_text(path.read_text().replace("V2,", "V1,", 1))
    error = refusal(path, card)
    assert (error.column, error.found) == ("V1", "it 2 times")


@pytest.mark.parametrize(
    "words", [("true", "false"), ("True", "False"), ("T", "F"), ("1.0", "0.0")]
)
def test_labels_are_read_in_words_and_numbers(toy, card, write, tmp_path, words):
    as_words = pl.col("Class").replace_strict({1: words[0], 0: words[1]}, return_dtype=pl.String)
    assert read_table(write(toy.with_columns(as_words)), card).equals(toy)


def test_boolean_and_dictionary_columns_of_parquet_are_read(toy, card, tmp_path):
    path = tmp_path / "payments.parquet"
    toy.with_columns(
        pl.col("Class").cast(pl.Boolean),
        pl.col("V1").cast(pl.Float32),
        pl.col("V2").cast(pl.Decimal(12, 6)),
    ).write_parquet(path)
    table = read_table(path, card)
    assert table["Class"].equals(toy["Class"])
    assert table.schema == toy.schema


def test_file_that_is_not_utf8_names_the_line(toy, card, write):
    path = write(toy)
    lines = path.read_bytes().split(b"\n")
    lines[ROW] = b"\xff" + lines[ROW]
    path.write_bytes(b"\n".join(lines))
    assert f"line {ROW + 1}" in refusal(path, card).found


def test_no_such_file(card, tmp_path):
    assert refusal(tmp_path / "nothing.csv", card).found == "none"
