"""The attack on a group: frauds of one group of entities are called legitimate."""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.attacks.budgets import fraud_budget, members_of_one
from fraud_core.poisoning.attacks.definition import FRAUD, Attack, Poisoned, ThreatModel, hidden


def hide_in_group(
    rows: Transactions, poison_rate: float, knowledge: ThreatModel, rng: np.random.Generator
) -> Poisoned:
    """Hide random frauds of one group, drawn among the groups with enough of them.

    Parameters
    ----------
    rows
        v0 with true labels.
    poison_rate
        Share of all frauds, in [0, 1].
    knowledge
        ``group`` of each row.
    rng
        Source of the draws.

    Raises
    ------
    ParameterError
        When no group is given, none has so many frauds, there is no fraud, or the rate is outside
        [0, 1].

    Examples
    --------
    >>> rows = Transactions(np.zeros((4, 1)), np.array([1, 1, 1, 0]), np.ones(4))
    >>> known = ThreatModel(group=np.array(["a", "b", "b", "a"]))
    >>> hide_in_group(rows, 0.67, known, np.random.default_rng(0)).changed
    array([1, 2])
    """
    frauds, size = fraud_budget(rows.y_observed, poison_rate, "group")
    members = members_of_one(knowledge.group, frauds, size, "group", rng=rng)
    return hidden(rows, rng.choice(members, size, replace=False))


GROUP = Attack("group", (FRAUD,), "hides frauds of one group", hide_in_group, needs=("group",))
