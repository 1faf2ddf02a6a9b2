"""Decisions by a model that never sees a sensitive
column, and the groups that are joined to them afterwards.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.data.rows import to_transactions
from fraud_core.fairness.groups import join_groups
from fraud_core.model.estimators import EstimatorConfig


@dataclass(frozen=True)
class Audited:
    """Decisions on clients or payments, with the sensitive attributes joined for evaluation only.

    Attributes
    ----------
    y_true, y_alert
        Label and decision of each row, shape (n_rows,).
    log_odds, features
        Log-odds by a model of other rows, and what it saw.
    sensitive
        Group of each row, by attribute.
    clusters
        Whose payment each row is, shape (n_rows,); None where the card names nobody, or a person
        has one row.
    """

    y_true: np.ndarray
    y_alert: np.ndarray
    log_odds: np.ndarray
    features: np.ndarray
    sensitive: dict[str, np.ndarray]
    clusters: np.ndarray | None = None


def decide_and_join(
    clients: pl.DataFrame,
    card: DatasetCard,
    *,
    estimator: EstimatorConfig,
    n_folds: int,
    selection_rate: float,
    age_bands: list[int],
    rng: np.random.Generator,
) -> Audited:
    """Score each client by a model of the other folds,
    select the riskiest, and join the sensitive attributes.

    Parameters
    ----------
    clients
        A table with sensitive columns and no time.
    n_folds
        Folds, drawn at random; at least 2.
    selection_rate
        Share of the clients that is selected.
    age_bands
        Edges of the age bands, in years.
    rng
        Source of the folds.
    """
    fold = rng.integers(0, n_folds, clients.height)
    features = clients.select(card.names("feature")).to_numpy().astype(np.float32)
    y_true = clients[card.only("label")].to_numpy()
    log_odds = np.empty(clients.height)
    for number in range(n_folds):
        here = fold == number
        fitted = estimator.fit(features[~here], y_true[~here])
        log_odds[here] = fitted.decision_function(features[here])
    selected = log_odds >= np.quantile(log_odds, 1 - selection_rate)
    return Audited(
        y_true, selected, log_odds, features, join_groups(clients, card, age_bands=age_bands)
    )


def decide_payments(
    v0: pl.DataFrame,
    v1: pl.DataFrame,
    card: DatasetCard,
    *,
    estimator: EstimatorConfig,
    alert_budget: float,
    age_bands: list[int],
) -> Audited:
    """Alert on the payments of v1 by a model of v0, and
    join the sensitive attributes of v1 and who pays.

    Parameters
    ----------
    v0, v1
        Payments of a card with sensitive columns; those of v0 are not looked at, so a group may
        appear in v1 alone.
    alert_budget
        Share of the payments of v1 that is alerted, those of highest score.
    model, age_bands
        As in `decide_and_join`.
    """
    train, test = to_transactions(v0, card), to_transactions(v1, card)
    fitted = estimator.fit(train.X, train.y_observed)
    log_odds = fitted.decision_function(test.X)
    alert = log_odds >= np.quantile(log_odds, 1 - alert_budget)
    groups = join_groups(v1, card, age_bands=age_bands)
    # the first entity of a card is the one who pays
    payers = card.names("entity")[:1]
    clusters = v1[payers[0]].to_numpy() if payers else None
    return Audited(test.y_observed, alert, log_odds, test.X, groups, clusters)
