"""Small models on disjoint slices of the training rows, and how many of them vote against a label."""

import numpy as np

from fraud_core.poisoning.detection.out_of_fold import fit_sample
from fraud_core.poisoning.detection.quantised_pool import Quantised

N_SLICES = 8


def micro_model_votes(quantised: Quantised, y: np.ndarray, *, seed: int) -> np.ndarray:
    """Share of the micro-models that vote against each label, in [0, 1], shape (n_samples,).

    A row's own slice does not vote on it. A model votes fraud where its probability, at equal weight of both classes,
    is above one half.

    Parameters
    ----------
    quantised
        Features in bins.
    y
        Shape (n_samples,), labels as seen, in any order.
    seed
        Of the slices and the fits.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(800, seed=0)
    >>> from fraud_core.poisoning.detection.quantised_pool import quantise
    >>> quantised = quantise(toy.select("V1", "V2").to_numpy())
    >>> votes = micro_model_votes(quantised, toy["Class"].to_numpy(), seed=0)
    >>> bool(votes.min() >= 0) and bool(votes.max() <= 1)
    True
    """
    slice_of = np.random.default_rng(seed).permutation(len(y)) % N_SLICES
    against, voters = np.zeros(len(y)), np.zeros(len(y))
    for number in range(N_SLICES):
        own = np.flatnonzero(slice_of == number)
        if len(np.unique(y[own])) < 2:
            continue
        balance = float(np.log((y[own] == 0).sum() / (y[own] == 1).sum()))
        vote = (
            fit_sample(quantised, own, y[own], seed=seed + number).decision_function(quantised.features) + balance > 0
        )
        others = slice_of != number
        against[others] += vote[others] != (y[others] == 1)
        voters[others] += 1
    return against / np.maximum(voters, 1)
