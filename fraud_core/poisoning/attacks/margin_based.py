"""The attack at the boundary: the frauds that a
clean model is least sure of are called legitimate.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.budgets import fraud_budget
from fraud_core.poisoning.attacks.definition import FRAUD, Attack, Poisoned, ThreatModel, hidden


def hide_at_boundary(
    rows: Transactions, poison_rate: float, knowledge: ThreatModel, rng: np.random.Generator
) -> Poisoned:
    """Hide the frauds closest to the boundary of a clean model; nothing is drawn.

    Parameters
    ----------
    rows
        v0 with true labels.
    poison_rate
        Share of the frauds, in [0, 1].
    knowledge
        ``log_odds``, log-odds of a model of clean labels.
    rng
        Not used.

    Raises
    ------
    ParameterError
        When there are no log-odds, no fraud, or the rate is outside [0, 1].

    Examples
    --------
    >>> rows = Transactions(np.zeros((3, 1)), np.array([1, 1, 0]), np.ones(3))
    >>> known = ThreatModel(log_odds=np.array([-4.0, 0.1, 0.0]))
    >>> hide_at_boundary(rows, 0.5, known, np.random.default_rng(0)).changed
    array([1])
    """
    frauds, size = fraud_budget(rows.y_observed, poison_rate, "margin_based")
    if knowledge.log_odds is None:
        raise ParameterError(
            "margin_based: expected the log-odds of a clean model in `knowledge.log_odds`, got none"
        )
    return hidden(
        rows, frauds[np.argsort(np.abs(knowledge.log_odds[frauds]), kind="stable")[:size]]
    )


MARGIN_BASED = Attack(
    "margin_based",
    (FRAUD,),
    "hides the frauds closest to the boundary of a clean model",
    hide_at_boundary,
    needs=("log_odds",),
)
