"""Confident learning: labels that the out-of-fold
probabilities contradict, as its authors' library finds them.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without


def drop_label_issues(rows: Transactions, context: DefenceContext, seed: int) -> Defended:
    """Drop what cleanlab's filter finds on the shared out-of-fold probabilities; nothing is drawn.

    References
    ----------
    C. Northcutt, L. Jiang and I. Chuang (2021), Confident learning: estimating uncertainty in
    dataset labels.
    """
    from cleanlab.filter import find_label_issues

    probability = context.scores.probability
    return without(
        rows,
        find_label_issues(
            rows.y_observed, np.column_stack([1 - probability, probability]), n_jobs=1
        ),
    )


CONFIDENT_LEARNING = Defence(
    "confident_learning",
    "what cleanlab finds on the shared out-of-fold probabilities",
    drop_label_issues,
)
