"""Rolling-origin scores of past rows, by models that
have not seen them: each block is scored by a model of everything before it.
"""

from itertools import pairwise

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.model.estimators import EstimatorConfig, FittedEstimator

FIRST_SHARE = 1 / 3  # of the time before the first block


def fit_rows(
    rows: Transactions, y_observed: np.ndarray, part: np.ndarray, estimator: EstimatorConfig
) -> FittedEstimator:
    """The estimator of the study, fitted on a part of the rows.

    Parameters
    ----------
    y_observed
        Shape (n_samples,), the labels that are known.
    part
        Shape (n_samples,), True for the rows to fit on.
    model
        Section of the parameters.
    """
    return estimator.fit(rows.X[part], y_observed[part])


def rolling_origin_log_odds(
    rows: Transactions, *, n_blocks: int, estimator: EstimatorConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds of past rows, block by block, each from a model fitted on everything before it.

    Parameters
    ----------
    rows
        In time order; the first third of their time holds both classes.
    n_blocks
        Blocks of equal time after it.

    Returns
    -------
    log_odds, y_true, row
        Of the rows after the first third of the time; `row` is their place.

    Examples
    --------
    >>> rng, y = np.random.default_rng(0), np.arange(600) % 10 == 0
    >>> rows = Transactions(
    ...     rng.normal(size=(600, 2)) + y[:, None], y.astype(int), np.ones(600), np.arange(600.0)
    ... )
    >>> log_odds, y_true, row = rolling_origin_log_odds(
    ...     rows, n_blocks=2, estimator=EstimatorConfig("catboost", {"iterations": 5})
    ... )
    >>> len(log_odds), int(row[0])
    (400, 200)
    """
    since = rows.time_s - rows.time_s[0]
    cuts = since[-1] * np.linspace(FIRST_SHARE, 1.0, n_blocks + 1)
    cuts[-1] = np.inf
    log_odds, place = [], []
    for start, end in pairwise(cuts):
        block = np.flatnonzero((since >= start) & (since < end))
        log_odds.append(
            fit_rows(rows, rows.y_observed, since < start, estimator).decision_function(
                rows.X[block]
            )
        )
        place.append(block)
    row = np.concatenate(place)
    return np.concatenate(log_odds), rows.y_observed[row], row
