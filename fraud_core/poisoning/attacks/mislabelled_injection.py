"""The injection: rows of the attacker's own are added, and no label that was there changes."""

from dataclasses import replace

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.attacks.budgets import fraud_budget
from fraud_core.poisoning.attacks.definition import FRAUD, Attack, Poisoned, ThreatModel

JITTER = 0.05  # standard deviations of each feature


def inject_copies(
    rows: Transactions, poison_rate: float, knowledge: ThreatModel, rng: np.random.Generator
) -> Poisoned:
    """Append jittered copies of random frauds as legitimate training rows.

    Parameters
    ----------
    rows
        v0 with true labels.
    poison_rate
        Copies as a share of the frauds, in [0, 1]. Frauds outside the trusted rows are copied,
        where there are some.
    knowledge
        Not used.
    rng
        Source of the draws.

    Raises
    ------
    ParameterError
        When there is no fraud, or the rate is outside [0, 1].

    Examples
    --------
    >>> rows = Transactions(np.arange(8.0).reshape(4, 2), np.array([0, 0, 1, 1]), np.ones(4))
    >>> poisoned = inject_copies(rows, 0.5, ThreatModel(), np.random.default_rng(0))
    >>> poisoned.y_observed.tolist(), poisoned.y_true.tolist(), poisoned.changed.tolist()
    ([0, 0, 1, 1, 0], [0, 0, 1, 1, 1], [4])
    """
    frauds, size = fraud_budget(rows.y_observed, poison_rate, "mislabelled_injection")
    early = frauds[~rows.is_trusted[frauds]]
    copied = rng.choice(early if len(early) else frauds, size)
    jitter = rng.normal(0.0, JITTER, (len(copied), rows.X.shape[1])) * rows.X.std(axis=0)
    possible = rows.X.min(axis=0), rows.X.max(axis=0)
    added = np.clip(rows.X[copied] + jitter, *possible).astype(rows.X.dtype)
    legitimate, neither = (
        np.zeros(len(copied), dtype=rows.y_observed.dtype),
        np.zeros(len(copied), dtype=bool),
    )
    copies = replace(
        rows.take(copied), X=added, y_observed=legitimate, is_validation=neither, is_trusted=neither
    )
    truth = np.concatenate([rows.y_observed, legitimate + 1])
    return Poisoned(rows.append(copies), truth, len(rows) + np.arange(len(copied)))


MISLABELLED_INJECTION = Attack(
    "mislabelled_injection",
    (FRAUD,),
    "adds jittered copies of frauds as legitimate payments",
    inject_copies,
)
