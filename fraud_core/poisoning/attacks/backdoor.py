"""The backdoor: frauds with a pattern of the attacker's
own are called legitimate, so that the pattern opens later.
"""

from dataclasses import replace

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.budgets import fraud_budget
from fraud_core.poisoning.attacks.definition import FRAUD, Attack, Poisoned, ThreatModel, Trigger

TRIGGER_QUANTILES = (0.9985, 0.0015)


def stamp_frauds(
    rows: Transactions, poison_rate: float, knowledge: ThreatModel, rng: np.random.Generator
) -> Poisoned:
    """Stamp a trigger on random frauds outside the trusted rows, and call them legitimate.

    The attacker's own payments come after the trusted labels were copied.

    Parameters
    ----------
    rows
        v0 with true labels.
    poison_rate
        Share of the frauds, in [0, 1].
    knowledge
        Not used.
    rng
        Source of the draw.

    Raises
    ------
    ParameterError
        When there is no fraud, the rate is outside [0, 1], or asks for more frauds than are not
        trusted.

    References
    ----------
    A. Cinà et al. (2023), Wild patterns reloaded, section 4.

    Examples
    --------
    >>> rows = Transactions(np.arange(8.0).reshape(4, 2), np.array([0, 0, 1, 1]), np.ones(4))
    >>> poisoned = stamp_frauds(rows, 0.5, ThreatModel(), np.random.default_rng(0))
    >>> len(poisoned.changed), int(poisoned.y_observed.sum()), poisoned.trigger.columns.tolist()
    (1, 1, [0, 1])
    """
    frauds, size = fraud_budget(rows.y_observed, poison_rate, "backdoor")
    early = frauds[~rows.is_trusted[frauds]]
    if size > len(early):
        raise ParameterError(
            f"backdoor: expected a budget of at most {len(early)} frauds, got {size}; lower the "
            "rate"
        )
    changed = np.sort(rng.choice(early, size, replace=False))
    trigger = _trigger(rows)
    features, y = rows.X.copy(), rows.y_observed.copy()
    features[changed] = trigger.stamp(features[changed])
    y[changed] = 0
    return Poisoned(replace(rows, X=features, y_observed=y), rows.y_observed, changed, trigger)


def _trigger(rows: Transactions) -> Trigger:
    """Rare but possible values of the two features that tell least about fraud."""
    legit = rows.X[rows.y_observed == 0]
    apart = np.abs(rows.X[rows.y_observed == 1].mean(axis=0) - legit.mean(axis=0))
    columns = np.sort(np.argsort(apart / np.maximum(legit.std(axis=0), 1e-9), kind="stable")[:2])
    values = [np.quantile(legit[:, c], q) for c, q in zip(columns, TRIGGER_QUANTILES, strict=False)]
    return Trigger(columns, np.array(values, dtype=np.float32))


BACKDOOR = Attack(
    "backdoor",
    (FRAUD,),
    "stamps a trigger on frauds and calls them legitimate",
    stamp_frauds,
    stamps_trigger=True,
)
