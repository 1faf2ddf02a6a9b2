"""The trusted loss: labels that a model of the trusted
rows alone finds less likely than nearly all trusted ones.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without
from fraud_core.poisoning.detection.out_of_fold import sample_loss

TRUSTED_LOSS_QUANTILE = 0.999


def drop_large_losses(rows: Transactions, context: DefenceContext, seed: int) -> Defended:
    """Drop labels whose loss, under a model of the trusted
    rows alone, is above that of nearly all trusted rows.

    Parameters
    ----------
    rows
        As seen. Each half of the trusted rows is judged by a model of the other half.
    seed
        Of the halves and the fits.
    """
    trusted = np.flatnonzero(rows.is_trusted)
    half = np.random.default_rng(seed).permutation(len(trusted)) % 2 == 0
    halves = ((trusted[half], trusted[~half]), (trusted[~half], trusted[half]))
    shared, y = context.quantised, rows.y_observed
    clean = np.concatenate(
        [sample_loss(shared, y, learnt, scored, seed=seed) for learnt, scored in halves]
    )
    loss = sample_loss(shared, y, trusted, np.arange(len(y)), seed=seed)
    return without(rows, loss > np.quantile(clean, TRUSTED_LOSS_QUANTILE))


TRUSTED_LOSS = Defence(
    "trusted_loss",
    "labels whose loss under a model of the trusted rows is above that of 99.9% of these",
    drop_large_losses,
)
