"""Defences against poisoned labels: each takes rows as seen and returns the rows to train on.

All of them have what a defender has: the last hours of v0 as trusted rows, whose labels were copied before the attack.
No defence touches a trusted row, and none sees the sealed holdout. What several of them need (bins, out-of-fold
scores, the scan, the neighbours) is computed once and passed in as `Evidence`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.micro_models import micro_model_votes
from fraud_core.poisoning.defences.nearest_neighbours import fraud_neighbours
from fraud_core.poisoning.defences.provenance import harmful_source
from fraud_core.poisoning.detection.label_scan import Scan, detect
from fraud_core.poisoning.detection.out_of_fold import OutOfFold, out_of_fold_scores, sample_loss
from fraud_core.poisoning.detection.quantised_pool import Quantised

DEFENCES = ("none", "confident_learning", "knn", "micro_models", "trusted_loss", "provenance", "out_of_fold")
# Chooses among the defences by what the scan finds: `fraud_core.poisoning.defences.selection.choose_defence`.
SELECTOR = "policy"
N_ROUNDS = 4
TRUSTED_LOSS_QUANTILE = 0.999
MICRO_MODEL_MODES = ("filter", "relabel", "positive_unlabelled")
MICRO_MODEL_MAJORITY = 0.75


@dataclass(frozen=True)
class Evidence:
    """What the defences share.

    Attributes
    ----------
    scores, scan
        Of the rows as seen, from `out_of_fold_scores` and `detect`.
    quantised
        The features in bins.
    neighbours
        Shape (n_samples, k), nearest rows of each row, or None when no defence asks for them.
    source
        Shape (n_samples,), who gave each label, or None.
    """

    scores: OutOfFold
    scan: Scan
    quantised: Quantised
    neighbours: np.ndarray | None = None
    source: np.ndarray | None = None


@dataclass(frozen=True)
class Defended:
    """Rows to train on.

    Attributes
    ----------
    rows
        Rows that stay, with the labels to train on.
    doubted
        Shape (n_samples,), True for rows as seen that were removed or relabelled.
    numbers
        Shape (n_rows,), the number that each row that stays has among the rows as seen.
    """

    rows: Transactions
    doubted: np.ndarray
    numbers: np.ndarray


def trust(seen: Transactions, y_trusted: np.ndarray) -> Transactions:
    """The rows as seen, with the trusted labels in the place of those of the validation hours.

    Parameters
    ----------
    seen
        Rows as the trainer sees them.
    y_trusted
        Shape (n_trusted,), labels of the rows that ``seen.is_trusted`` marks, copied before the attack.

    Raises
    ------
    ParameterError
        When there is not exactly one trusted label for each marked row.

    Examples
    --------
    >>> rows = Transactions(np.zeros((2, 1)), np.array([0, 0]), np.ones(2), is_trusted=np.array([False, True]))
    >>> trust(rows, np.array([1])).y_observed
    array([0, 1])
    """
    if len(y_trusted) != int(seen.is_trusted.sum()):
        raise ParameterError(
            f"trusted labels: expected {int(seen.is_trusted.sum())}, one for each trusted row, got "
            f"{len(y_trusted)}; trusted and training rows must not overlap"
        )
    y = seen.y_observed.copy()
    y[seen.is_trusted] = y_trusted
    return seen.with_labels(y)


def defend(name: str, rows: Transactions, evidence: Evidence, *, seed: int, mode: str = "filter") -> Defended:
    """Clean training rows by one defence.

    Parameters
    ----------
    name
        One of `DEFENCES`.
    rows
        Rows as seen, trusted labels in place (`trust`).
    evidence
        Shared computations on these rows.
    seed
        Of the defence's own models.
    mode
        Of ``micro_models``: drop what they vote against, relabel it, or drop legitimate labels alone and take the rest
        as unlabelled.

    Raises
    ------
    ParameterError
        When the name or mode is unknown, or the evidence the defence needs is missing.

    Examples
    --------
    >>> rows = Transactions(np.zeros((2, 1)), np.array([0, 1]), np.ones(2), is_trusted=np.array([False, True]))
    >>> int(defend("none", rows, None, seed=0).doubted.sum())
    0
    """
    if name not in _DOUBT and name not in ("none", "micro_models"):
        hint = "; it chooses among them, call choose_defence" if name == SELECTOR else ""
        raise ParameterError(f"defence: expected one of {', '.join(DEFENCES)}, got {name!r}{hint}")
    if name == "micro_models":
        return _micro_models(rows, evidence, seed, mode)
    nothing = np.zeros(len(rows.y_observed), dtype=bool)
    return _without(rows, nothing if name == "none" else _DOUBT[name](rows, evidence, seed))


def _without(rows: Transactions, doubted: np.ndarray) -> Defended:
    doubted = doubted & ~rows.is_trusted
    stay = np.flatnonzero(~doubted)
    return Defended(rows.take(stay), doubted, stay)


def _confident_learning(rows: Transactions, evidence: Evidence, seed: int) -> np.ndarray:
    """Confident learning as its authors' library does it, on the shared out-of-fold probabilities.

    C. Northcutt, L. Jiang and I. Chuang (2021), Confident learning: estimating uncertainty in dataset labels.
    """
    from cleanlab.filter import find_label_issues

    probability = evidence.scores.probability
    return find_label_issues(rows.y_observed, np.column_stack([1 - probability, probability]), n_jobs=1)


def _knn(rows: Transactions, evidence: Evidence, seed: int) -> np.ndarray:
    """Labels that most of the nearest neighbours contradict (Paudice et al., 2018, Label sanitization)."""
    if evidence.neighbours is None:
        raise ParameterError("knn: expected the nearest neighbours in `evidence.neighbours`, got none")
    share = fraud_neighbours(rows.y_observed, evidence.neighbours)
    return np.where(rows.y_observed == 1, share < 0.5, share > 0.5)


def _trusted_loss(rows: Transactions, evidence: Evidence, seed: int) -> np.ndarray:
    """Labels whose loss, under a model of the trusted rows alone, is above that of nearly all trusted rows."""
    trusted = np.flatnonzero(rows.is_trusted)
    half = np.random.default_rng(seed).permutation(len(trusted)) % 2 == 0
    halves = ((trusted[half], trusted[~half]), (trusted[~half], trusted[half]))
    shared, y = evidence.quantised, rows.y_observed
    honest = np.concatenate([sample_loss(shared, y, learnt, scored, seed=seed) for learnt, scored in halves])
    every = np.arange(len(y))
    return sample_loss(shared, y, trusted, every, seed=seed) > np.quantile(honest, TRUSTED_LOSS_QUANTILE)


def _provenance(rows: Transactions, evidence: Evidence, seed: int) -> np.ndarray:
    """All rows of the source whose removal helps on the trusted rows; none when no removal helps."""
    if evidence.source is None:
        raise ParameterError("provenance: expected a source for each row in `evidence.source`, got none; the data set "
                             "has no such column")  # fmt: skip
    name = harmful_source(evidence.quantised, rows, evidence.source, seed=seed)
    return np.zeros(len(rows.y_observed), dtype=bool) if name is None else evidence.source == name


def _out_of_fold(rows: Transactions, evidence: Evidence, seed: int) -> np.ndarray:
    """Everything the scan suspects, then a scan by models that have not learnt from it, until nothing is new.

    The classes are judged apart: fraud labels by Bayes' rule at the estimated flip rates, legitimate labels by their
    rank among the trusted frauds. Class-mean thresholds fail where one row in six hundred is a fraud.
    """
    scan, doubted = evidence.scan, evidence.scan.suspicious
    for number in range(1, N_ROUNDS):
        legitimate = doubted & (rows.y_observed == 0)
        if not legitimate.any() or scan.false_fraud_rate > 0.01:
            break
        scores = out_of_fold_scores(rows, seed=seed + 1000 * number, left_out=doubted, quantised=evidence.quantised)
        scan = detect(rows, scores, seed=seed, triggers=False)
        new = scan.suspicious & ~doubted
        doubted = doubted | new
        if new.sum() <= 0.05 * legitimate.sum():
            break
    return doubted


_DOUBT: dict[str, Callable[[Transactions, Evidence, int], np.ndarray]] = {
    "confident_learning": _confident_learning, "knn": _knn, "trusted_loss": _trusted_loss,
    "provenance": _provenance, "out_of_fold": _out_of_fold,
}  # fmt: skip


def _micro_models(rows: Transactions, evidence: Evidence, seed: int, mode: str) -> Defended:
    """Labels that most models, each trained on a slice of its own, vote against.

    G. Cretu et al. (2008), Casting out demons: sanitizing training data for anomaly sensors.
    """
    if mode not in MICRO_MODEL_MODES:
        raise ParameterError(f"mode: expected one of {', '.join(MICRO_MODEL_MODES)}, got {mode!r}")
    against = micro_model_votes(evidence.quantised, rows.y_observed, seed=seed) >= MICRO_MODEL_MAJORITY
    if mode == "positive_unlabelled":
        against &= rows.y_observed == 0
    if mode != "relabel":
        return _without(rows, against)
    doubted = against & ~rows.is_trusted
    relabelled = rows.with_labels(np.where(doubted, 1 - rows.y_observed, rows.y_observed))
    return Defended(relabelled, doubted, np.arange(len(doubted)))
