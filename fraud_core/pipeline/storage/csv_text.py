"""CSV as it comes: compressed or not, with any delimiter; what is no text is refused by name."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from fraud_core.errors import ContractError

COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
UTF8_MARK = b"\xef\xbb\xbf"
OTHER_TEXT = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}
OTHER_FILES = {
    b"PK\x03\x04": "a zip archive or an Excel table",
    b"PAR1": "a parquet table; name it .parquet",
}
DELIMITERS = ",;\t|"
LONGEST_HEADER_BYTES = 1 << 20
DECIMAL_COMMA = r"^\s*-?\d+,\d+\s*$"


@dataclass(frozen=True)
class Header:
    """The first line of a CSV table.

    Attributes
    ----------
    n_bytes
        Its length in the uncompressed file, the line break and a mark of UTF-8 included.
    """

    names: list[str]
    delimiter: str
    n_bytes: int


def open_text(path: Path) -> BinaryIO:
    """Open a CSV table, uncompressed on the way.

    Raises
    ------
    ContractError
        When it is UTF-16, UTF-32, a spreadsheet or a parquet table.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, name in (OTHER_TEXT | OTHER_FILES).items():
        if start.startswith(mark):
            raise ContractError(
                file=path.name, rule="UTF-8 text", found=name, fix="save the file as UTF-8 CSV"
            )
    compression = compression_of(start)
    if compression is None:
        return path.open("rb")
    # arrow's stream has the methods of a binary file
    return pa.input_stream(str(path), compression=compression)  # type: ignore[return-value]


def compression_of(start: bytes) -> str | None:
    """The compression that the first bytes of a file tell, or None.

    Examples
    --------
    >>> compression_of(bytes([0x1F, 0x8B, 8, 0])), compression_of(b"Time")
    ('gzip', None)
    """
    return next((name for magic, name in COMPRESSIONS.items() if start.startswith(magic)), None)


def read_header(stream: BinaryIO, file: str) -> Header:
    """Read the header; the stream is left behind it.

    The delimiter is the mark that stands most often in it; a header without any is one column.

    Raises
    ------
    ContractError
        When there is none, or a name stands in it twice.
    """
    read = b""
    while not read.endswith(b"\n") and len(read) < LONGEST_HEADER_BYTES:
        byte = stream.read(1)
        if not byte:
            break
        read += byte
    try:
        text = read.removeprefix(UTF8_MARK).decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        raise not_utf8(file, read[error.start], 1) from error
    if not text.strip():
        raise ContractError(file=file, rule="a header and rows", found="an empty file")
    if "\r" in text:
        raise ContractError(
            file=file,
            rule="line breaks of Unix or Windows",
            found="carriage returns alone",
            fix="save the file again",
        )
    delimiter = max(DELIMITERS, key=lambda mark: (text.count(mark), mark == ","))
    names = next(csv.reader([text], delimiter=delimiter))
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise ContractError(
            file=file,
            column=doubled[0],
            rule="each column once in the header",
            found=f"it {names.count(doubled[0])} times",
            fix="rename or drop the repeated column",
        )
    return Header(names, delimiter, len(read))


def not_utf8(file: str, byte: int, line: int) -> ContractError:
    """The refusal of a file that is no UTF-8."""
    return ContractError(
        file=file,
        rule="UTF-8 text",
        found=f"byte 0x{byte:02x} on line {line}",
        fix="save the file as UTF-8",
    )


def has_decimal_comma(first_line: bytes, delimiter: str) -> bool:
    """Whether a line writes a number with a decimal comma, which another delimiter allows.

    Examples
    --------
    >>> has_decimal_comma(b"1,5;x", ";"), has_decimal_comma(b"1,5", ",")
    (True, False)
    """
    if delimiter == ",":
        return False
    fields = next(csv.reader([first_line.decode("utf-8", "replace")], delimiter=delimiter))
    return bool(pl.Series(fields, dtype=pl.String).str.contains(DECIMAL_COMMA).any())


def with_decimal_points(table: pl.DataFrame) -> pl.DataFrame:
    """The text columns in which every value is a number, with points instead of commas.

    Examples
    --------
    >>> with_decimal_points(pl.DataFrame({"a": ["1,5", "2"], "b": ["x, y", "1,5"]})).row(0)
    ('1.5', 'x, y')
    """
    number = r"^\s*-?\d+(,\d+)?([eE][+-]?\d+)?\s*$"
    written = [
        name
        for name in table.columns
        if (table[name].str.contains(number) | (table[name] == "")).all()
    ]
    return table.with_columns(pl.col(written).str.replace(",", ".", literal=True))
