"""Rows of several payments as other protocols send them:
checked by the same contract, scored together, unrecorded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from serve.http.transaction import InvalidTransaction, Problem, explain
from serve.runtime.service import Service
from serve.scoring.champion import Champion


def score_rows(
    service: Service, rows: Sequence[Mapping[str, Any]], champion: Champion
) -> np.ndarray:
    """Calibrated probability of fraud of each row, shape (n_rows,).

    Raises
    ------
    InvalidTransaction
        Naming row and field; nothing is scored then, and nothing is ever filled in.
    """
    if not 1 <= len(rows) <= service.settings.max_batch:
        detail = f"expected 1 to {service.settings.max_batch} rows, got {len(rows)}"
        raise InvalidTransaction(Problem("Not a batch", 400, "invalid_field", detail))
    contract, kind = champion.bundle.contract, champion.row_type
    read = [_row(row, number, kind) for number, row in enumerate(rows, start=1)]
    values = [[getattr(row, name) for name in contract.model_features] for row in read]
    features = np.array(values, dtype=np.float64)
    probability = champion.bundle.probability(features)
    amount = contract.model_features.index(contract.amount)
    for features_of_row, score in zip(features, probability.tolist(), strict=True):
        service.after_answer(features_of_row, float(features_of_row[amount]), score, champion)
    return probability


def _row(row: Mapping[str, Any], number: int, kind: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        problem = explain(error, b"")
        raise InvalidTransaction(
            msgspec.structs.replace(problem, detail=f"row {number}, {problem.detail}")
        ) from error


def by_row(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Columns of one length as rows.

    Raises
    ------
    InvalidTransaction
        When they are of several lengths.

    Examples
    --------
    >>> by_row({"a": [1, 2], "b": [3, 4]})
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 4}]
    """
    if len({len(values) for values in columns.values()}) > 1:
        raise InvalidTransaction(
            Problem("Not a batch", 400, "invalid_field", "expected columns of one length")
        )
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
