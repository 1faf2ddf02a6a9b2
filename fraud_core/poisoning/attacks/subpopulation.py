"""The attack on one mode of fraud: frauds that are alike are called legitimate, the others stay."""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.budgets import fraud_budget
from fraud_core.poisoning.attacks.definition import FRAUD, Attack, Poisoned, ThreatModel, hidden

MODES = ("cluster", "amount", "time")


def hide_one_mode(
    rows: Transactions, poison_rate: float, knowledge: ThreatModel, rng: np.random.Generator
) -> Poisoned:
    """Hide the frauds nearest to a random one, or a run of neighbours in amount or in time.

    Parameters
    ----------
    rows
        v0 with true labels, in time order.
    poison_rate
        Share of the frauds, in [0, 1].
    knowledge
        ``mode``, one of `MODES`: what the hidden frauds have in common.
    rng
        Source of the draw.

    Raises
    ------
    ParameterError
        When the mode is unknown, there is no fraud, or the rate is outside [0, 1].

    References
    ----------
    A. Cinà et al. (2023), Wild patterns reloaded, section 4.

    Examples
    --------
    >>> rows = Transactions(
    ...     np.zeros((4, 1)), np.array([1, 1, 1, 1]), np.array([9.0, 1.0, 8.0, 2.0])
    ... )
    >>> changed = hide_one_mode(
    ...     rows, 0.5, ThreatModel(mode="amount"), np.random.default_rng(0)
    ... ).changed
    >>> sorted(rows.amount_eur[changed].tolist()) in ([1.0, 2.0], [2.0, 8.0], [8.0, 9.0])
    True
    """
    frauds, size = fraud_budget(rows.y_observed, poison_rate, "subpopulation")
    if knowledge.mode not in MODES:
        raise ParameterError(f"mode: expected one of {', '.join(MODES)}, got {knowledge.mode!r}")
    if knowledge.mode == "cluster":
        return hidden(rows, _cluster(rows.X, frauds, size, rng))
    value = rows.amount_eur[frauds] if knowledge.mode == "amount" else frauds
    start = rng.integers(0, len(frauds) - size + 1)
    return hidden(rows, frauds[np.argsort(value, kind="stable")[start : start + size]])


def _cluster(
    features: np.ndarray, frauds: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    scale = np.maximum(features.std(axis=0), 1e-9)
    place = features[frauds] / scale
    distance = ((place - place[rng.integers(len(frauds))]) ** 2).sum(axis=1)
    return frauds[np.argsort(distance, kind="stable")[:size]]


SUBPOPULATION = Attack(
    "subpopulation",
    (FRAUD,),
    "hides one mode of fraud: a cluster, a band of amounts, a stretch of time",
    hide_one_mode,
)
