"""Transactions as arrays: the rows that every study, attack,
defence and estimator takes, and the way from a table.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Transactions:
    """Payments as a model takes them, in order of time.

    Parameters
    ----------
    X
        Shape (n_samples, n_features), float32 when made from a table.
    y_observed
        Shape (n_samples,), 0 or 1, the labels as the trainer sees them: poisoned ones where the
        table is poisoned, the clean ones in the sealed holdout.
    amount_eur
        Shape (n_samples,), euros.
    time_s
        Shape (n_samples,), seconds; the number of the row when none is given.
    is_validation
        Shape (n_samples,), True for the rows that calibrate and give the threshold; none when none
        is given.
    is_trusted
        Shape (n_samples,), True where an attacker could not touch the label; `is_validation` when
        none is given.
    entity, source, sensitive
        Shape (n_samples,), whose payment it is, who gave the label, and the protected group, or
        None.

    Raises
    ------
    ParameterError
        When a column is not as long as `X`.

    Examples
    --------
    >>> rows = Transactions(
    ...     np.zeros((3, 2)), np.array([0, 1, 0]), np.ones(3), is_validation=np.arange(3) > 1
    ... )
    >>> len(rows), rows.is_trusted.tolist(), len(rows.take(~rows.is_validation))
    (3, [False, False, True], 2)
    """

    X: np.ndarray
    y_observed: np.ndarray
    amount_eur: np.ndarray
    time_s: np.ndarray = None  # type: ignore[assignment]  # filled below, so that readers need not ask for None
    is_validation: np.ndarray = None  # type: ignore[assignment]
    is_trusted: np.ndarray = None  # type: ignore[assignment]
    entity: np.ndarray | None = None
    source: np.ndarray | None = None
    sensitive: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.X)
        defaults = {
            "time_s": lambda: np.arange(float(n)),
            "is_validation": lambda: np.zeros(n, dtype=bool),
        }
        for name, make in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, make())
        if self.is_trusted is None:
            object.__setattr__(self, "is_trusted", self.is_validation)
        for name, column in self._columns().items():
            if len(column) != n:
                raise ParameterError(
                    f"{name}: expected {n} values, one for each row of X, got {len(column)}"
                )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.X)

    def take(self, index: np.ndarray) -> "Transactions":
        """The rows of a mask of shape (n_samples,) or of row numbers, in the order of these."""
        return Transactions(**{name: column[index] for name, column in self._columns().items()})

    def with_labels(self, y_observed: np.ndarray) -> "Transactions":
        """The same rows with other observed labels, shape (n_samples,); nothing is copied."""
        return replace(self, y_observed=y_observed)

    def append(self, others: "Transactions") -> "Transactions":
        """These rows and then others, which have the same optional columns."""
        added = others._columns()
        return Transactions(
            **{
                name: np.concatenate([column, added[name]])
                for name, column in self._columns().items()
            }
        )

    def _columns(self) -> dict[str, np.ndarray]:
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: column for name, column in named if column is not None}


def to_transactions(transactions: pl.DataFrame, card: DatasetCard) -> Transactions:
    """Rows of a checked table whose card has one time, one amount and one label column, as arrays.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> to_transactions(toy_transactions(50, seed=0), toy_card()).X.shape
    (50, 29)
    """
    return Transactions(
        X=np.ascontiguousarray(
            transactions.select(card.model_features).to_numpy(), dtype=np.float32
        ),
        y_observed=transactions[card.only("label")].to_numpy().astype(np.int64),
        amount_eur=transactions[card.only("amount")].to_numpy().astype(np.float64),
        time_s=transactions[card.only("time")].to_numpy().astype(np.float64),
    )
