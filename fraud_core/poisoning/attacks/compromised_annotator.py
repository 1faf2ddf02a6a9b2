"""The attack through a label source: from a date
on, one reviewer reports the frauds as legitimate.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.attacks.budgets import fraud_budget, members_of_one
from fraud_core.poisoning.attacks.definition import FRAUD, Attack, Poisoned, ThreatModel, hidden


def hide_by_source(
    rows: Transactions, poison_rate: float, knowledge: ThreatModel, rng: np.random.Generator
) -> Poisoned:
    """Hide the last frauds of one source: it turned bad on the date of the first of them.

    Parameters
    ----------
    rows
        v0 with true labels, in time order.
    poison_rate
        Share of all frauds, in [0, 1].
    knowledge
        ``source`` of each row's label.
    rng
        Source of the draw.

    Raises
    ------
    ParameterError
        When no source is given, none has so many frauds, there is no fraud, or the rate is outside
        [0, 1].

    Examples
    --------
    >>> rows = Transactions(np.zeros((4, 1)), np.array([1, 1, 1, 1]), np.ones(4))
    >>> known = ThreatModel(source=np.array(["a", "b", "b", "b"]))
    >>> hide_by_source(rows, 0.5, known, np.random.default_rng(0)).changed
    array([2, 3])
    """
    frauds, size = fraud_budget(rows.y_observed, poison_rate, "compromised_annotator")
    return hidden(
        rows, members_of_one(knowledge.source, frauds, size, "source", rng=rng)[::-1][:size]
    )


COMPROMISED_ANNOTATOR = Attack(
    "compromised_annotator",
    (FRAUD,),
    "hides the frauds that one label source reports from a date on",
    hide_by_source,
    needs=("source",),
)
