"""Splits in time, exact duplicates, and the seal of the holdout."""

import hashlib
import json

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.errors import ParameterError, SealError


def split_by_time(
    transactions: pl.DataFrame, card: DatasetCard
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut a table at the instant of its card: v0 lies strictly before it, v1 from it on.

    Raises
    ------
    ParameterError
        When the card has no split, or one side holds fewer than both classes.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> v0, v1 = split_by_time(toy_transactions(400, seed=0), toy_card())
    >>> v0["Time"].max() < 86_400 <= v1["Time"].min()
    True
    """
    at = card.cut.at
    early = transactions[card.only("time")] < at
    v0, v1 = transactions.filter(early), transactions.filter(~early)
    for side, rows in (("v0", v0), ("v1", v1)):
        if rows[card.only("label")].n_unique() < 2:
            raise ParameterError(
                f"card {card.name}: expected both classes in {side}, found {rows.height} rows of "
                "at most one; "
                f"move `split.at` (now {at:g}) in the card"
            )
    return v0, v1


def drop_exact_duplicates(transactions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate the first of each set of equal rows from its repetitions.

    Returns
    -------
    kept, removed
        Frames in the order of the input; together they hold every row.

    Examples
    --------
    >>> kept, removed = drop_exact_duplicates(pl.DataFrame({"a": [1, 1, 2]}))
    >>> kept.height, removed.height
    (2, 1)
    """
    first = transactions.select(pl.struct(pl.all()).is_first_distinct()).to_series()
    return transactions.filter(first), transactions.filter(~first)


def last_seconds(time: np.ndarray, seconds: float) -> np.ndarray:
    """Mark the rows of the last `seconds` of a table: the validation part of v0.

    Parameters
    ----------
    time
        Shape (n_samples,), in seconds, ascending.

    Returns
    -------
    numpy.ndarray
        Boolean, shape (n_samples,), True for the last rows.

    Examples
    --------
    >>> last_seconds(np.array([0.0, 50.0, 90.0, 100.0]), 10.0)
    array([False, False,  True,  True])
    """
    return time >= time.max() - seconds


def content_sha256(table: pl.DataFrame) -> str:
    """Digest of names, types and values of a table,
    independent of any file format or library version.

    Examples
    --------
    >>> content_sha256(pl.DataFrame({"a": [1.0]}))[:12]
    '258259025bc0'
    """
    digest = hashlib.sha256()
    for name in table.columns:
        column = table[name]
        head = json.dumps([name, str(column.dtype), column.len(), column.null_count()])
        digest.update(head.encode())
        if column.dtype == pl.String:
            digest.update(json.dumps(column.to_list()).encode())
        else:
            values = column.to_numpy()
            digest.update(
                np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
            )
    return digest.hexdigest()


def check_seal(holdout: pl.DataFrame, expected_sha256: str, *, file: str) -> None:
    """Refuse a holdout whose content is not the sealed one.

    Raises
    ------
    SealError
        Naming the file and both digests.

    Examples
    --------
    >>> table = pl.DataFrame({"a": [1.0]})
    >>> check_seal(table, content_sha256(table), file="v1.parquet")
    """
    digest = content_sha256(holdout)
    if digest != expected_sha256:
        raise SealError(
            f"{file}: the sealed holdout was altered: expected content sha256 {expected_sha256}, "
            f"found {digest}; "
            "restore it with `dvc repro -f prepare`"
        )
