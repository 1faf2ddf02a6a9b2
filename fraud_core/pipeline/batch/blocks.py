"""Tables read block by block: CSV by bytes and parquet by rows, from any block on."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fraud_core.errors import ContractError
from fraud_core.pipeline.storage.csv_text import (
    Header,
    compression_of,
    has_decimal_comma,
    not_utf8,
    open_text,
    read_header,
)

CSV_BLOCK_BYTES = 32 << 20
PARQUET_BLOCK_ROWS = 1 << 17
LONGEST_LINE_BYTES = 1 << 20
MARK = b'"'
POINT_BESIDE_COMMAS = " (a point in a table with decimal commas)"


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table.

    Attributes
    ----------
    table
        The columns that were asked for; numbers where every value is one, else text.
    row
        The number of each row of `table` in the file, counted from 1 without the header.
    broken
        Numbers and reasons of rows that could not be split into columns; they are not in `table`.
    n_rows
        Rows of the block, the broken ones included.
    end
        Where the next block begins: a byte of a CSV file, a row of a parquet file.
    """

    table: pl.DataFrame
    row: pl.Series
    broken: tuple[tuple[int, str], ...]
    n_rows: int
    end: int


def read_blocks(
    path: Path, numbers: Sequence[str], others: Sequence[str], *, start: int = 0, first_row: int = 1
) -> Iterator[Block]:
    """Read columns of a CSV or parquet table, block by block.

    Parameters
    ----------
    numbers, others
        Columns read as numbers, and as they are.
    start, first_row
        Where an interrupted reading stopped: `Block.end`, and the number of the next row.

    Raises
    ------
    ContractError
        When the file cannot be read or lacks a column.
    """
    if not path.is_file():
        raise ContractError(file=path.name, rule="a file", found="none", fix="check the path")
    if path.name.lower().endswith(".parquet"):
        return _parquet_blocks(path, [*numbers, *others], start, first_row)
    return _csv_blocks(path, numbers, others, start, first_row)


def size_of(path: Path) -> int:
    """What `Block.end` is at the end of a table, for the progress; 0 for a compressed CSV file.

    Raises
    ------
    ContractError
        When it is no whole parquet file.
    """
    if path.name.lower().endswith(".parquet"):
        return _open_parquet(path).metadata.num_rows
    with path.open("rb") as stream:
        compressed = compression_of(stream.read(4)) is not None
    return 0 if compressed else path.stat().st_size


def _parquet_blocks(
    path: Path, columns: Sequence[str], start: int, first_row: int
) -> Iterator[Block]:
    parquet, row, done = _open_parquet(path), first_row, 0
    _refuse_missing(columns, parquet.schema_arrow.names, path.name)
    groups = list(range(parquet.metadata.num_row_groups))
    while groups and done + parquet.metadata.row_group(groups[0]).num_rows <= start:
        done += parquet.metadata.row_group(groups.pop(0)).num_rows
    for batch in parquet.iter_batches(PARQUET_BLOCK_ROWS, row_groups=groups, columns=list(columns)):
        done += batch.num_rows
        unread = min(done - start, batch.num_rows)
        if unread <= 0:
            continue
        table = pl.DataFrame(pl.from_arrow(batch)).tail(unread)
        yield Block(table, _numbered(row, table.height), (), table.height, done)
        row += table.height


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise ContractError(
            file=path.name,
            rule="a whole parquet file",
            found=f"a file that cannot be read ({str(error).splitlines()[0][:80]})",
            fix="copy the file again",
        ) from error


def _csv_blocks(
    path: Path, numbers: Sequence[str], others: Sequence[str], start: int, first_row: int
) -> Iterator[Block]:
    with open_text(path) as stream:
        header = read_header(stream, path.name)
        _refuse_missing([*numbers, *others], header.names, path.name)
        position, row, rest = header.n_bytes, first_row, b""
        if start > position:
            _skip(stream, start - position)
            position = start
        reader: _CsvReader | None = None
        while True:
            fresh = _read(stream, path.name)
            body, rest = _whole_lines(rest + fresh) if fresh else (rest.rstrip(b"\r\n"), b"")
            if len(rest) > LONGEST_LINE_BYTES + CSV_BLOCK_BYTES or (
                not fresh and body.count(MARK) % 2
            ):
                raise _unclosed(path.name, row)
            if body:
                comma = has_decimal_comma(body.split(b"\n", 1)[0], header.delimiter)
                reader = reader or _CsvReader(path.name, header, numbers, others, comma)
                block = reader.read(body, row, position + len(body))
                yield block
                row, position = row + block.n_rows, block.end
            if not fresh:
                return


def _read(stream: BinaryIO, file: str) -> bytes:
    try:
        return stream.read(CSV_BLOCK_BYTES)
    except (OSError, EOFError) as error:
        raise ContractError(
            file=file,
            rule="a whole compressed file",
            found=f"one that ends early ({str(error)[:60]})",
            fix="copy the file again",
        ) from error


def _unclosed(file: str, row: int) -> ContractError:
    return ContractError(
        file=file,
        row=row,
        rule="each quotation mark closed",
        found="one in this row or behind it that is not",
        fix='close it, or write "" for a mark inside a text',
    )


@dataclass(frozen=True)
class _CsvReader:
    """Reads whole lines of one CSV file."""

    file: str
    header: Header
    numbers: Sequence[str]
    others: Sequence[str]
    decimal_comma: bool

    def read(self, body: bytes, first_row: int, end: int) -> Block:
        """The rows in some whole lines; they are split one by one where they are not all whole."""
        kind = pl.String if self.decimal_comma else pl.Float64
        table = self._parsed(body, kind)
        if table is None:
            return self._split(body, first_row, end)
        return Block(
            self._numbers(table), _numbered(first_row, table.height), (), table.height, end
        )

    def _parsed(self, body: bytes, kind: type[pl.DataType]) -> pl.DataFrame | None:
        """The columns, the numbers of one type; None where some row is not as long as the header
        or some number is none.
        """
        names, wanted = self.header.names, [*self.numbers, *self.others]
        try:
            return pl.read_csv(
                body,
                has_header=False,
                separator=self.header.delimiter,
                schema={name: kind if name in self.numbers else pl.String for name in names},
            ).select(wanted)
        except (pl.exceptions.PolarsError, UnicodeDecodeError):
            return None

    def _numbers(self, table: pl.DataFrame) -> pl.DataFrame:
        """Decimal commas as points; a number with a point, which may part thousands, is none."""
        if not self.decimal_comma:
            return table
        columns = [pl.col(name) for name in self.numbers]
        return table.with_columns(
            pl.when(column.str.contains(".", literal=True))
            .then(pl.concat_str(column, pl.lit(POINT_BESIDE_COMMAS)))
            .otherwise(column.str.replace(",", ".", literal=True))
            for column in columns
        )

    def _split(self, body: bytes, first_row: int, end: int) -> Block:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            line = body.count(b"\n", 0, error.start) + first_row + 1
            raise not_utf8(self.file, body[error.start], line) from error
        whole, row_numbers, broken = [], [], []
        n_rows = 0
        csv.field_size_limit(2 * CSV_BLOCK_BYTES)
        for fields in csv.reader(io.StringIO(text, newline=""), delimiter=self.header.delimiter):
            number = first_row + n_rows
            n_rows += 1
            if len(fields) == len(self.header.names):
                whole.append(fields)
                row_numbers.append(number)
            else:
                broken.append((number, f"{len(fields)} fields instead of {len(self.header.names)}"))
        table = pl.DataFrame(
            whole, schema=dict.fromkeys(self.header.names, pl.String), orient="row"
        )
        table = self._numbers(table.select([*self.numbers, *self.others]))
        return Block(table, pl.Series(row_numbers, dtype=pl.Int64), tuple(broken), n_rows, end)


def _whole_lines(data: bytes) -> tuple[bytes, bytes]:
    """Cut behind the last line break that is not inside quotation marks, or nowhere.

    The marks are counted once: where the last break lies inside a text, the search goes on before
    the mark that opened it.
    """
    end = data.rfind(b"\n")
    inside = data.count(MARK, 0, max(end, 0)) % 2
    while end >= 0 and inside:
        opened = data.rfind(MARK, 0, end)
        end = data.rfind(b"\n", 0, opened)
        inside = data.count(MARK, end, opened) % 2 if end >= 0 else 0
    body = data[: end + 1].rstrip(b"\r\n")
    end = data.find(b"\n", len(body)) + 1 if end >= 0 else 0  # blank lines may be the last
    return data[:end], data[end:]


def _skip(stream: BinaryIO, n_bytes: int) -> None:
    if stream.seekable():
        stream.seek(n_bytes, io.SEEK_CUR)
        return
    while n_bytes > 0 and (read := len(stream.read(min(n_bytes, CSV_BLOCK_BYTES)))):
        n_bytes -= read


def _numbered(first_row: int, n_rows: int) -> pl.Series:
    return pl.int_range(first_row, first_row + n_rows, eager=True)


def _refuse_missing(columns: Sequence[str], names: Sequence[str], file: str) -> None:
    missing = [name for name in columns if name not in names]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ContractError(
            file=file,
            column=f"{missing[0]}{others}",
            rule="this column, a field of the model's contract or one to keep",
            found=f"the columns {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
            fix="add the column, correct --keep, or score with the model of this table",
        )
