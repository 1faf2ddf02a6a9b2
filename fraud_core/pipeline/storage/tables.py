"""Reading and writing tables: the place where text becomes typed, checked rows."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl

from fraud_core.data.card import DatasetCard, decode_card
from fraud_core.data.contract import check_columns, check_values, parse_columns
from fraud_core.data.yaml_text import decode_yaml
from fraud_core.errors import ContractError, ParameterError
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.csv_text import (
    has_decimal_comma,
    not_utf8,
    open_text,
    read_header,
    with_decimal_points,
)


class _Data(msgspec.Struct):
    card: str


class _Chosen(msgspec.Struct):
    data: _Data


def read_card(name: str) -> DatasetCard:
    """The dataset card `name` of data/cards/.

    Raises
    ------
    ParameterError
        When there is none, or it is malformed.
    """
    path = within_project(f"data/cards/{name}.yaml")
    if not path.is_file():
        known = ", ".join(sorted(card.stem for card in path.parent.glob("*.yaml")))
        raise ParameterError(
            f"data.card: expected one of {known}, got {name!r}; add data/cards/{name}.yaml"
        )
    return decode_card(path.read_bytes(), name=path.name)


def chosen_card() -> str:
    """Name of the dataset card that params.yaml chooses; the other sections are not looked at."""
    return decode_yaml(within_project("params.yaml").read_bytes(), _Chosen).data.card


def read_table(path: Path, card: DatasetCard, *, both_classes: bool = True) -> pl.DataFrame:
    """Read a CSV or parquet table and check it against its card.

    Parameters
    ----------
    both_classes
        As of `check_values`.

    Returns
    -------
    polars.DataFrame
        Columns in the order and types of the card.

    Raises
    ------
    ContractError
        Naming file, column, rule and first offending row.
    """
    raw = read_columns(path)
    check_columns(raw.columns, card, file=path.name)
    table = parse_columns(raw, card, file=path.name)
    check_values(table, card, file=path.name, both_classes=both_classes)
    return table


def read_columns(path: Path) -> pl.DataFrame:
    """Read a CSV table, every column as text, or a parquet table as it is typed.

    Raises
    ------
    ContractError
        When it cannot be read.
    """
    if not path.is_file():
        raise ContractError(
            file=path.name,
            rule="a file",
            found="none",
            fix="give the path of a CSV or parquet table",
        )
    return _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ContractError(
            file=path.name,
            rule="a whole parquet file",
            found=_first_line(error),
            fix="copy the file again",
        ) from error


def _read_csv(path: Path) -> pl.DataFrame:
    with open_text(path) as stream:
        header = read_header(stream, path.name)
        body = stream.read().rstrip(b"\r\n")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 2
        raise not_utf8(path.name, body[error.start], line) from error
    try:
        table = (
            pl.read_csv(
                body,
                has_header=False,
                separator=header.delimiter,
                schema=dict.fromkeys(_distinct(header.names), pl.String),
            )
            if body
            else pl.DataFrame(schema=dict.fromkeys(_distinct(header.names), pl.String))
        )
    except pl.exceptions.PolarsError as error:
        raise ContractError(
            file=path.name,
            rule=f"rows of {len(header.names)} fields between {header.delimiter!r}",
            found=_first_line(error),
            fix="look for a truncated or broken line",
        ) from error
    comma = has_decimal_comma(body.split(b"\n", 1)[0], header.delimiter)
    return with_decimal_points(table) if comma else table


def _distinct(names: list[str]) -> list[str]:
    """Names without a repetition: only the empty one can stand twice."""
    first = names.index("") if "" in names else -1
    return [
        name or ("" if place == first else f"unnamed {place + 1}")
        for place, name in enumerate(names)
    ]


def _first_line(error: Exception) -> str:
    return f"a file that cannot be read ({str(error).strip().splitlines()[0]})"


def write_csv(table: pl.DataFrame, path: Path) -> None:
    """Write a table as CSV; the file appears whole or not at all."""
    _write(path, table.write_csv)


def write_parquet(table: pl.DataFrame, path: Path) -> None:
    """Write a table as parquet; the file appears whole or not at all."""
    _write(path, lambda partial: table.write_parquet(partial, compression="zstd", statistics=False))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
