"""Rows against a model's contract, one by one: those that it takes, and why it refuses the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fraud_core.bundle.schema import Contract, Field
from fraud_core.data.parsing import EXACT_INTEGERS, parse_floats
from fraud_core.pipeline.batch.blocks import Block

REJECTED = {"row": pl.Int64, "field": pl.String, "expected": pl.String, "found": pl.String}


@dataclass(frozen=True)
class CheckedRows:
    """The rows of a block that keep the contract, and the rest.

    Attributes
    ----------
    values
        Shape (n_accepted, n_fields), float64, the fields of the contract in order; NaN where
        nothing is known.
    accepted
        Places of these rows in the block's table.
    rejected
        ``row``, ``field``, ``expected`` and ``found`` of each other row: its first offence.
    """

    values: np.ndarray
    accepted: np.ndarray
    rejected: pl.DataFrame


def check_rows(block: Block, contract: Contract) -> CheckedRows:
    """Check the rows of a block by the rules of ``/predict``; nothing is ever filled in.

    Examples
    --------
    >>> contract = Contract("t", (Field("Amount", "float", 0.0, None),), ("Amount",), "Amount")
    >>> block = Block(pl.DataFrame({"Amount": ["2", "-1"]}), pl.Series([7, 8]), (), 2, 0)
    >>> check_rows(block, contract).rejected.rows()
    [(8, 'Amount', 'at least 0', '-1')]
    """
    columns, refused = [], np.zeros(block.table.height, dtype=bool)
    offences = [_of_broken(block.broken)]
    for field in contract.fields:
        raw = block.table[field.name]
        values, parsed = _as_number(raw)
        for expected, offends in _rules(field, values, parsed):
            new = offends & ~refused
            if new.any():
                offences.append(_offences(new, block.row, raw, field.name, expected))
                refused |= new
        columns.append(values)
    accepted = np.flatnonzero(~refused)
    values = np.column_stack(columns) if columns else np.empty((block.table.height, 0))
    rejected = pl.concat(offences).sort("row")
    return CheckedRows(values if not refused.any() else values[accepted], accepted, rejected)


def _as_number(raw: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """A column as float64 with NaN for nothing, and of each value whether it is a number (0),
    nothing (1) or something else (2).
    """
    # a block that was parsed as numbers holds NaN and infinities as they were written
    parsed = None if raw.dtype == pl.Float64 else parse_floats(raw)
    numbers = raw if parsed is None else parsed.values
    kind = np.zeros(raw.len(), dtype=np.int8)
    if numbers.null_count():
        kind[numbers.is_null().to_numpy()] = 1
    if parsed is not None:
        kind[parsed.broken.to_numpy()] = 2
    return numbers.fill_null(float("nan")).to_numpy(), kind


def _rules(field: Field, values: np.ndarray, kind: np.ndarray) -> Sequence[tuple[str, np.ndarray]]:
    number = kind == 0
    rules = [("a number", kind == 2), ("a finite number", number & ~np.isfinite(values))]
    if not field.nullable:
        rules.insert(0, ("a value", kind == 1))
    if field.type == "int":
        rules.append(("a whole number", number & (values != np.floor(values))))
        rules.append(("at most 15 digits", number & (np.abs(values) > EXACT_INTEGERS)))
    if field.min is not None:
        rules.append((f"at least {field.min:g}", values < field.min))
    if field.max is not None:
        rules.append((f"at most {field.max:g}", values > field.max))
    return rules


def _offences(
    offends: np.ndarray, row: pl.Series, raw: pl.Series, name: str, expected: str
) -> pl.DataFrame:
    places = np.flatnonzero(offends)
    return pl.DataFrame(
        {
            "row": row.gather(places),
            "field": [name] * len(places),
            "expected": [expected] * len(places),
            "found": raw.gather(places).cast(pl.String).fill_null("").str.slice(0, 80),
        },
        schema=REJECTED,
    )


def _of_broken(broken: Sequence[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(row, "", "a row as long as the header", found) for row, found in broken],
        schema=REJECTED,
        orient="row",
    )
