"""Micro-models on disjoint slices of the training rows:
labels that most of them vote against are flagged.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without
from fraud_core.poisoning.detection.out_of_fold import fit_sample
from fraud_core.poisoning.detection.quantised_pool import Quantised

N_SLICES = 8
MODES = ("filter", "relabel", "positive_unlabelled")
MAJORITY = 0.75


def micro_model_votes(quantised: Quantised, y: np.ndarray, *, seed: int) -> np.ndarray:
    """Share of the micro-models that vote against each label, in [0, 1], shape (n_samples,).

    A row's own slice does not vote on it. A model votes fraud where its probability, at equal
    weight of both classes, is above one half.

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
            fit_sample(quantised, own, y[own], seed=seed + number).decision_function(
                quantised.features
            )
            + balance
            > 0
        )
        others = slice_of != number
        against[others] += vote[others] != (y[others] == 1)
        voters[others] += 1
    return against / np.maximum(voters, 1)


def drop_outvoted(
    rows: Transactions, context: DefenceContext, seed: int, mode: str = "filter"
) -> Defended:
    """Drop or relabel the labels that most models,
    each trained on a slice of its own, vote against.

    Parameters
    ----------
    rows
        As seen, trusted labels in place.
    seed
        Of the slices and the fits.
    mode
        One of `MODES`: drop what they vote against, relabel it, or drop legitimate labels alone and
        take the rest as unlabelled.

    Raises
    ------
    ParameterError
        When the mode is unknown.

    References
    ----------
    G. Cretu et al. (2008), Casting out demons: sanitizing training data for anomaly sensors.
    """
    if mode not in MODES:
        raise ParameterError(f"mode: expected one of {', '.join(MODES)}, got {mode!r}")
    against = micro_model_votes(context.quantised, rows.y_observed, seed=seed) >= MAJORITY
    if mode == "positive_unlabelled":
        against &= rows.y_observed == 0
    if mode != "relabel":
        return without(rows, against)
    flagged = against & ~rows.is_trusted
    relabelled = rows.with_labels(np.where(flagged, 1 - rows.y_observed, rows.y_observed))
    return Defended(relabelled, flagged, np.arange(len(flagged)))


MICRO_MODELS = Defence(
    "micro_models",
    "labels that most models on disjoint slices vote against; `drop_outvoted` has modes filter, "
    "relabel, "
    "positive_unlabelled",
    drop_outvoted,
)
