"""The contract check: a table is what its dataset card
says, or it is refused with the first offence named.

Two steps, because a table arrives as text: `parse_columns` turns a frame of strings into typed
columns, `check_values` checks ranges, nulls, order and classes of a typed frame.
"""

import polars as pl

from fraud_core.data.card import Column, DatasetCard
from fraud_core.data.parsing import (
    parse_floats,
    parse_identities,
    parse_integers,
    parse_labels,
)
from fraud_core.errors import ContractError

POLARS_TYPES = {"float": pl.Float64, "int": pl.Int64, "string": pl.String}
PARSERS = {
    "float": (parse_floats, "type float"),
    "int": (parse_integers, "type int"),
    "string": (parse_identities, "text"),
}


def check_columns(names: list[str], card: DatasetCard, *, file: str) -> None:
    """Refuse a table whose columns are not exactly those of the card.

    Raises
    ------
    ContractError
        Naming the first missing, extra, renamed or nameless column.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card
    >>> check_columns(toy_card().names(), toy_card(), file="t.csv")
    """
    expected = card.names()
    if "" in names and "" not in expected:
        raise ContractError(
            file=file,
            rule="a name for each column",
            found=f"none for column {names.index('') + 1}, as pandas writes its index",
            fix="save the table without the index (index=False), or name the column",
        )
    missing = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if missing and extra:
        raise ContractError(
            file=file,
            column=missing[0],
            rule="this column",
            found=f"no such column, but an unknown one named {extra[0]!r}",
            fix=f"if it was renamed, name it {missing[0]} again",
        )
    if missing:
        raise ContractError(
            file=file, column=missing[0], rule="this column", found="no such column"
        )
    if extra:
        raise ContractError(
            file=file,
            column=extra[0],
            rule=f"only the {len(expected)} columns of card {card.name}",
            found="this column",
        )


def parse_columns(table: pl.DataFrame, card: DatasetCard, *, file: str) -> pl.DataFrame:
    """Turn the columns of a table into the types of the card, in the card's order.

    Parameters
    ----------
    table
        Strings (from CSV) or typed columns (from parquet).

    Raises
    ------
    ContractError
        Naming column, row and value where a value is not of the type.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> text = toy_transactions(50, seed=0).cast(pl.String)
    >>> parse_columns(text, toy_card(), file="t.csv").schema["Class"]
    Int64
    """
    return table.select(_parse(table[column.name], column, file) for column in card.columns)


def _parse(values: pl.Series, column: Column, file: str) -> pl.Series:
    wanted = POLARS_TYPES[column.type]
    if values.dtype == wanted and column.type != "string":
        return values
    if column.role == "label":
        parsed, rule = parse_labels(values), "a label of 0 or 1"
    else:
        parse, rule = PARSERS[column.type]
        parsed = parse(values)
        if len(values) and values.dtype != pl.String and bool(parsed.broken.all()):
            raise ContractError(
                file=file,
                column=column.name,
                rule=f"type {column.type}",
                found=f"type {str(values.dtype).lower()}",
            )
    _refuse_first(parsed.broken, values, column.name, rule, file)
    return parsed.values.cast(wanted).alias(column.name)


def check_values(
    table: pl.DataFrame, card: DatasetCard, *, file: str, both_classes: bool = True
) -> None:
    """Refuse a typed table that breaks a rule of its card.

    The order of the checks is fixed: emptiness, then for each column in order nulls, NaN or
    infinities and range, then the order of time, then the classes. The first offence is reported.

    Parameters
    ----------
    both_classes
        Whether the labels must hold both; a window that is only compared may not have any fraud
        yet.

    Raises
    ------
    ContractError
        Naming file, column, rule and the first offending row.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> check_values(toy_transactions(50, seed=0), toy_card(), file="t.csv")
    """
    if table.height == 0:
        raise ContractError(file=file, rule="at least one row", found="an empty table")
    for column in card.columns:
        _check_column(table[column.name], column, file)
    for name in card.names("time"):
        backwards = (table[name].diff() < 0).fill_null(False)
        _refuse_first(backwards, table[name], name, "times in ascending order", file)
    for name in card.names("label") if both_classes else ():
        if table[name].n_unique() < 2:
            raise ContractError(
                file=file,
                column=name,
                rule="both classes, 0 and 1",
                found=f"only class {table[name][0]} in {table.height} rows",
                fix="give a file that holds both classes",
            )


def _check_column(values: pl.Series, column: Column, file: str) -> None:
    if not column.nullable:
        _refuse_first(values.is_null(), values, column.name, "a value in every row", file)
    if column.type == "string":
        return
    if column.type == "float":
        _refuse_first(
            (~values.is_finite()).fill_null(False), values, column.name, "finite numbers", file
        )
    if column.role == "label":
        _refuse_first(
            (~values.is_in([0, 1])).fill_null(False), values, column.name, "a label of 0 or 1", file
        )
    if column.min is not None:
        _refuse_first(
            (values < column.min).fill_null(False),
            values,
            column.name,
            f"at least {column.min:g}",
            file,
        )
    if column.max is not None:
        _refuse_first(
            (values > column.max).fill_null(False),
            values,
            column.name,
            f"at most {column.max:g}",
            file,
        )


def _refuse_first(offends: pl.Series, values: pl.Series, column: str, rule: str, file: str) -> None:
    first = offends.arg_max() if offends.any() else None
    if first is not None:
        value = "no value" if values[first] is None else repr(values[first])
        raise ContractError(file=file, column=column, rule=rule, found=value, row=first + 1)
