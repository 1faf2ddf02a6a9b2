import gzip

import polars as pl
import pyarrow as pa
import pytest

from fraud_core.errors import ContractError
from fraud_core.pipeline.batch import blocks
from fraud_core.pipeline.batch.blocks import read_blocks, size_of


def rows_of(path, numbers=("a",), others=(), **start):
    read = list(read_blocks(path, numbers, others, **start))
    columns = [*numbers, *others]
    found = [
        (number, *values)
        for block in read
        for number, values in zip(block.row, block.table.select(columns).rows(), strict=True)
    ]
    return found, [row for block in read for row in block.broken]


def csv_of(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "CSV_BLOCK_BYTES", 16)
    monkeypatch.setattr(blocks, "PARQUET_BLOCK_ROWS", 3)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x\n2,y\n",
        "b,a\nx,1\ny,2",  # another order, no line break at the end
        "\ufeffa,b\r\n1,x\r\n2,y\r\n\r\n\r\n",  # a mark, Windows' line breaks, blank lines behind
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        '"a","b"\n"1","x"\n"2","y"\n',
    ],
)
def test_every_way_to_write_the_same_table(tmp_path, text):
    assert rows_of(csv_of(tmp_path, text), others=("b",))[0] == [(1, 1.0, "x"), (2, 2.0, "y")]


def test_decimal_commas(tmp_path):
    path = csv_of(tmp_path, "a;b\n1,5;x\n-2,25;y\n")
    assert [(row, float(value)) for row, value in rows_of(path)[0]] == [(1, 1.5), (2, -2.25)]


def test_compressed_tables_read_like_plain_ones(tmp_path):
    text = b"a,b\n1,x\n2,y\n"
    packed = csv_of(tmp_path, gzip.compress(text), "t.csv.gz")
    with pa.output_stream(str(tmp_path / "t.csv.zst"), compression="zstd") as stream:
        stream.write(text)
    assert rows_of(packed)[0] == rows_of(tmp_path / "t.csv.zst")[0] == [(1, 1.0), (2, 2.0)]


def test_blocks_are_cut_between_rows_and_never_inside_quotation_marks(tmp_path, small_blocks):
    body = "".join(f'{k},"line one\nline two, {k}"\n' for k in range(20))
    found, broken = rows_of(csv_of(tmp_path, f"a,b\n{body}"), others=("b",))
    assert [row[:2] for row in found] == [(k + 1, float(k)) for k in range(20)]
    assert found[3][2] == "line one\nline two, 3"
    assert broken == []


def test_a_row_of_another_length_is_named_and_the_others_are_read(tmp_path):
    found, broken = rows_of(csv_of(tmp_path, "a,b\n1,x\n2,y,z\n3,w\n"))
    assert [(row, str(value)) for row, value in found] == [(1, "1"), (3, "3")]
    assert broken == [(2, "3 fields instead of 2")]


@pytest.mark.parametrize("n_rows", [3, 200])
def test_a_quotation_mark_that_is_never_closed_is_one_error(
    tmp_path, small_blocks, monkeypatch, n_rows
):
    monkeypatch.setattr(blocks, "LONGEST_LINE_BYTES", 64)
    body = "".join(f"{k},x\n" for k in range(n_rows))
    with pytest.raises(ContractError, match="row 3: expected each quotation mark closed"):
        rows_of(csv_of(tmp_path, f'a,b\n0,"x"\n1,x\n2,"x\n{body}'))


def test_a_text_that_is_open_for_many_lines_is_cut_before(tmp_path):
    lines = b'1,"x"\n' * 50_000 + b'2,"' + b"y\n" * 200_000
    body, rest = blocks._whole_lines(lines)
    assert body == b'1,"x"\n' * 50_000
    assert rest.startswith(b'2,"')


@pytest.mark.parametrize("value", ["1.234", "1.234,5"])
def test_a_point_beside_decimal_commas_is_no_number(tmp_path, value):
    path = csv_of(tmp_path, f"a;b\n1,5;x\n{value};y\n")
    found, _ = rows_of(path)
    assert str(found[1][1]).startswith(f"{value} (a point in a table")


def test_carriage_returns_alone_and_a_cut_off_archive_are_one_error(tmp_path):
    with pytest.raises(ContractError, match="carriage returns alone"):
        rows_of(csv_of(tmp_path, "a,b\r1,x\r"))
    packed = gzip.compress(b"a,b\n" + b"1,x\n" * 5000)
    with pytest.raises(ContractError, match="one that ends early"):
        rows_of(csv_of(tmp_path, packed[:-20], "t.csv.gz"))


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_reading_goes_on_at_any_block(tmp_path, small_blocks, name):
    table = pl.DataFrame({"a": [float(k) for k in range(25)]})
    path = tmp_path / name
    table.write_csv(path) if name == "t.csv" else table.write_parquet(path, row_group_size=7)
    whole, read = rows_of(path)[0], list(read_blocks(path, ["a"], []))
    assert len(read) > 3
    assert whole == [(k + 1, float(k)) for k in range(25)]
    done = 0
    for block in read:
        done += block.n_rows
        assert rows_of(path, start=block.end, first_row=done + 1)[0] == whole[done:]
    assert read[-1].end == size_of(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "expected a header and rows, found an empty file"),
        (
            b"b\n1\n",
            "column a: expected this column, a field of the model's contract or one to keep",
        ),
        (b"a,a\n1,2\n", "column a: expected each column once in the header, found it 2 times"),
        ("a\n1\n".encode("utf-16"), "expected UTF-8 text, found UTF-16; save the file as UTF-8"),
        (b"a,b\n1,caf\xe9\n", "expected UTF-8 text, found byte 0xe9 on line 2"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, content, says):
    with pytest.raises(ContractError) as refused:
        rows_of(csv_of(tmp_path, content), others=("b",) if b"b" in content[:4] else ())
    assert says in str(refused.value)


def test_a_broken_parquet_file_is_refused(tmp_path):
    with pytest.raises(ContractError, match="expected a whole parquet file"):
        list(read_blocks(csv_of(tmp_path, b"PAR1nothing", "t.parquet"), ["a"], []))
    with pytest.raises(ContractError, match="expected a file, found none"):
        list(read_blocks(tmp_path / "none.csv", ["a"], []))
