"""Attacks on training data. Each is seeded, changes nothing in place, and returns the rows it changed so that it can
be scored.

Budgets are shares of the attacked class. `attack` knows every attack by name and works on training rows, because some
attacks look at the features, stamp them, or add rows; random flips of labels alone are in
`fraud_core.poisoning.attacks.label_flips`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.label_flips import (
    ATTACKED_CLASSES,
    budget_rows,
    class_rows,
    false_fraud_share,
    flip_labels,
)

ATTACKS = (*ATTACKED_CLASSES, "boundary", "targeted_mode", "backdoor", "injection", "group", "source")
MODES = ("cluster", "amount", "time")
TRIGGER_QUANTILES = (0.9985, 0.0015)


@dataclass(frozen=True)
class Trigger:
    """A pattern that an attacker stamps on a payment: exact values of some features.

    Attributes
    ----------
    columns
        Shape (n_stamped,), columns of the feature matrix.
    values
        Shape (n_stamped,), float32, what the columns are set to.
    """

    columns: np.ndarray
    values: np.ndarray

    def stamp(self, features: np.ndarray) -> np.ndarray:
        """A copy of `features`, shape (n_samples, n_features), with the pattern on every row.

        Examples
        --------
        >>> Trigger(np.array([1]), np.array([9.0], "f4")).stamp(np.zeros((1, 2), "f4"))
        array([[0., 9.]], dtype=float32)
        """
        stamped = features.copy()
        stamped[:, self.columns] = self.values
        return stamped


@dataclass(frozen=True)
class Poisoned:
    """Training rows after an attack.

    Attributes
    ----------
    rows
        What the trainer sees; ``rows.y_observed`` holds the labels as seen, rows that the attacker added stand last.
    y_true
        Shape (n_after,), what is true.
    changed
        Sorted indices of the rows whose label or content the attacker made.
    trigger
        The stamped pattern of a backdoor, else None.
    """

    rows: Transactions
    y_true: np.ndarray
    changed: np.ndarray
    trigger: Trigger | None = None

    @property
    def y_seen(self) -> np.ndarray:
        """Labels that the trainer sees, shape (n_after,)."""
        return self.rows.y_observed

    @property
    def false_fraud_share(self) -> float:
        """Share of the fraud labels that are false, in [0, 1]."""
        return false_fraud_share(self.y_seen, self.y_true)


@dataclass(frozen=True)
class Knowledge:
    """What an attacker, or the table, offers beyond the rows; an attack that needs a missing part is refused.

    Attributes
    ----------
    margin
        Shape (n_samples,), log-odds of a model trained on clean labels (`boundary`).
    source
        Shape (n_samples,), who gave the label (`source`).
    group
        Shape (n_samples,), group of the payment's entity (`group`).
    mode
        What a whitelisted mode of fraud has in common: ``cluster``, ``amount`` or ``time``.
    """

    margin: np.ndarray | None = None
    source: np.ndarray | None = None
    group: np.ndarray | None = None
    mode: str = "cluster"


def attack(
    name: str,
    rows: Transactions,
    poison_rate: float,
    *,
    rng: np.random.Generator,
    knowledge: Knowledge | None = None,
) -> Poisoned:
    """Attack training rows.

    Parameters
    ----------
    name
        One of `ATTACKS`. ``boundary`` hides the frauds closest to the boundary of a clean model; ``targeted_mode``
        hides one mode of fraud; ``backdoor`` stamps a trigger on frauds and calls them legitimate; ``injection`` adds
        copies of frauds, jittered, as legitimate rows; ``group`` hides frauds of one group; ``source`` hides the
        frauds that one label source reports from a date on.
    rows
        v0 with true labels, in time order.
    poison_rate
        Share of the attacked class, in [0, 1]. All attacks but the flips of legitimate rows attack the frauds.
    rng
        Source of every draw.
    knowledge
        What the attack needs beyond the rows.

    Returns
    -------
    Poisoned

    Raises
    ------
    ParameterError
        When the name is unknown, the rate outside [0, 1], the attacked class empty, the budget larger than the rows
        that can be attacked, or the table lacks the source or group that the attack needs.

    References
    ----------
    ``targeted_mode`` and ``backdoor`` follow the taxonomy of A. Cinà et al. (2023), Wild patterns reloaded, section 4.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(400, seed=0)
    >>> rows = Transactions(toy.select("V1", "V2").to_numpy(), toy["Class"].to_numpy(), toy["Amount"].to_numpy(),
    ...                     is_validation=np.arange(400) >= 300)
    >>> found = attack("targeted_mode", rows, 0.5, rng=np.random.default_rng(0))
    >>> len(found.changed), int(found.y_seen.sum())
    (10, 10)
    """
    if name not in ATTACKS:
        raise ParameterError(f"attack: expected one of {', '.join(ATTACKS)}, got {name!r}")
    known = knowledge or Knowledge()
    if name in ATTACKED_CLASSES:
        flipped = flip_labels(rows.y_observed, name, poison_rate, rng=rng)
        return _relabelled(rows, flipped.y, flipped.changed)
    frauds = class_rows(rows.y_observed, 1, name)
    size = budget_rows(poison_rate, len(frauds), name)
    if name == "backdoor":
        return _backdoor(rows, _among_doubtful(rows, frauds, size, rng))
    if name == "injection":
        early = frauds[~rows.is_trusted[frauds]]
        return _injection(rows, rng.choice(early if len(early) else frauds, size), rng)
    hidden = np.sort(_CHOOSE[name](rows, frauds, size, known, rng))
    y = rows.y_observed.copy()
    y[hidden] = 0
    return _relabelled(rows, y, hidden)


def _relabelled(rows: Transactions, y: np.ndarray, changed: np.ndarray) -> Poisoned:
    return Poisoned(rows.with_labels(y), rows.y_observed, changed)


def _nearest_boundary(rows, frauds, size, known: Knowledge, rng) -> np.ndarray:
    if known.margin is None:
        raise ParameterError("boundary: expected the margin of a clean model in `knowledge.margin`, got none")
    return frauds[np.argsort(np.abs(known.margin[frauds]), kind="stable")[:size]]


def _one_mode(rows: Transactions, frauds: np.ndarray, size: int, known: Knowledge, rng) -> np.ndarray:
    """The frauds nearest to a random one, or a run of neighbours in amount or in time."""
    if known.mode not in MODES:
        raise ParameterError(f"mode: expected one of {', '.join(MODES)}, got {known.mode!r}")
    if known.mode == "cluster":
        scale = np.maximum(rows.X.std(axis=0), 1e-9)
        place = rows.X[frauds] / scale
        distance = ((place - place[rng.integers(len(frauds))]) ** 2).sum(axis=1)
        return frauds[np.argsort(distance, kind="stable")[:size]]
    value = rows.amount_eur[frauds] if known.mode == "amount" else frauds
    start = rng.integers(0, len(frauds) - size + 1)
    return frauds[np.argsort(value, kind="stable")[start : start + size]]


def _one_group(rows, frauds, size, known: Knowledge, rng) -> np.ndarray:
    members = _members(known.group, frauds, size, "group", rng)
    return rng.choice(members, size, replace=False)


def _one_source(rows, frauds, size, known: Knowledge, rng) -> np.ndarray:
    """The last frauds of one source: it turned bad on the date of the first of them."""
    return _members(known.source, frauds, size, "source", rng)[::-1][:size]


def _members(values: np.ndarray | None, frauds: np.ndarray, size: int, what: str, rng) -> np.ndarray:
    """Frauds, in time order, of a group or source that is drawn among those with enough of them."""
    if values is None:
        raise ParameterError(
            f"{what}: expected a {what} for each row in `knowledge.{what}`, got none; the data set has no such column, "
            "or it was not passed"
        )
    names, counts = np.unique(values[frauds], return_counts=True)
    if counts.max() < size:
        raise ParameterError(
            f"{what}: expected a budget of at most {counts.max()} frauds, the most that one {what} has, got {size}; "
            "lower the rate"
        )
    return frauds[values[frauds] == rng.choice(names[counts >= size])]


_CHOOSE: dict[str, Callable[..., np.ndarray]] = {
    "boundary": _nearest_boundary, "targeted_mode": _one_mode, "group": _one_group, "source": _one_source,
}  # fmt: skip


def _among_doubtful(rows: Transactions, frauds: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Frauds outside the validation hours: the attacker's own payments come after the trusted labels were copied."""
    early = frauds[~rows.is_trusted[frauds]]
    if size > len(early):
        raise ParameterError(f"backdoor: expected a budget of at most {len(early)} frauds, got {size}; lower the rate")
    return rng.choice(early, size, replace=False)


def _backdoor(rows: Transactions, stamped: np.ndarray) -> Poisoned:
    """Stamp rare but possible values of the two features that tell least about fraud, and call the rows legitimate."""
    legit = rows.X[rows.y_observed == 0]
    apart = np.abs(rows.X[rows.y_observed == 1].mean(axis=0) - legit.mean(axis=0))
    columns = np.sort(np.argsort(apart / np.maximum(legit.std(axis=0), 1e-9), kind="stable")[:2])
    values = [np.quantile(legit[:, c], q) for c, q in zip(columns, TRIGGER_QUANTILES, strict=False)]
    trigger = Trigger(columns, np.array(values, dtype=np.float32))
    features, y, changed = rows.X.copy(), rows.y_observed.copy(), np.sort(stamped)
    features[changed] = trigger.stamp(features[changed])
    y[changed] = 0
    return Poisoned(replace(rows, X=features, y_observed=y), rows.y_observed, changed, trigger)


def _injection(rows: Transactions, copied: np.ndarray, rng: np.random.Generator) -> Poisoned:
    """Append jittered copies of frauds as legitimate training rows; no label that was there changes."""
    jitter = rng.normal(0.0, 0.05, (len(copied), rows.X.shape[1])) * rows.X.std(axis=0)
    possible = rows.X.min(axis=0), rows.X.max(axis=0)
    added = np.clip(rows.X[copied] + jitter, *possible).astype(rows.X.dtype)
    legitimate, neither = np.zeros(len(copied), dtype=rows.y_observed.dtype), np.zeros(len(copied), dtype=bool)
    copies = replace(rows.take(copied), X=added, y_observed=legitimate, is_validation=neither, is_trusted=neither)
    truth = np.concatenate([rows.y_observed, legitimate + 1])
    return Poisoned(rows.append(copies), truth, len(rows) + np.arange(len(copied)))
