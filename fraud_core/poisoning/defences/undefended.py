"""No defence: every row is kept as it is seen."""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without


def keep_all(rows: Transactions, context: DefenceContext | None, seed: int) -> Defended:
    """All rows.

    Examples
    --------
    >>> rows = Transactions(np.zeros((2, 1)), np.array([0, 1]), np.ones(2))
    >>> int(keep_all(rows, None, 0).flagged.sum())
    0
    """
    return without(rows, np.zeros(len(rows), dtype=bool))


UNDEFENDED = Defence(
    "none", "nothing, and believes the poisoned labels of the last hours too", keep_all
)
