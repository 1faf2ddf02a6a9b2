"""The one place where a table becomes arrays."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard


@dataclass(frozen=True)
class Arrays:
    """Rows of a table as a model takes them, in table order.

    Attributes
    ----------
    features
        Shape (n_samples, n_features), float32, columns of ``card.model_features``.
    y_true
        Shape (n_samples,), int64, 0 or 1.
    amount_eur
        Shape (n_samples,), float64.
    time
        Shape (n_samples,), float64, in seconds.
    """

    features: np.ndarray
    y_true: np.ndarray
    amount_eur: np.ndarray
    time: np.ndarray


def to_arrays(transactions: pl.DataFrame, card: DatasetCard) -> Arrays:
    """Arrays of a checked table whose card has one time, one amount and one label column.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> to_arrays(toy_transactions(50, seed=0), toy_card()).features.shape
    (50, 29)
    """
    return Arrays(
        features=np.ascontiguousarray(transactions.select(card.model_features).to_numpy(), dtype=np.float32),
        y_true=transactions[card.only("label")].to_numpy().astype(np.int64),
        amount_eur=transactions[card.only("amount")].to_numpy().astype(np.float64),
        time=transactions[card.only("time")].to_numpy().astype(np.float64),
    )
