"""Partition aggregation: decisions that a stated number of label flips cannot change, provably.

The training rows are dealt to k parts by a salted hash of their content, one small model is trained
on each part, and the models vote. One flipped label lies in one part and can turn one vote, so a
decision with vote gap g stands against floor((g − 1) / 2) flips. With a few hundred frauds this
certifies about ten rows, never percents of a class. Rows that are added or removed are not covered:
centre and scale of the features are computed from all rows, so that one added row moves every part.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.scoring.partition_ensemble import PartitionEnsemble, certified_flips

# Strong regularisation, chosen on the validation hours of v0: a part holds some ten frauds.
C = 0.001
SALT = "certificate"


def deal(features: np.ndarray, k: int, *, salt: str) -> np.ndarray:
    """Part of each row, in [0, k), by a salted digest of its features; equal rows lie in one part.

    Examples
    --------
    >>> part = deal(np.array([[1.0], [2.0], [1.0]]), 25, salt="a")
    >>> bool(part[0] == part[2])
    True
    """
    rows = np.ascontiguousarray(features, dtype=np.float32)
    key = salt.encode()
    digests = [hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows]
    return np.frombuffer(b"".join(digests), dtype="<u8") % np.uint64(k)


def certify(
    features: np.ndarray, y_observed: np.ndarray, *, k: int, alert_budget: float, salt: str = SALT
) -> PartitionEnsemble:
    """Train the ensemble.

    Parameters
    ----------
    features, y_observed
        Shapes (n_samples, n_features) and (n_samples,); labels as seen.
    k
        Number of parts; odd, so that no vote is tied.
    alert_budget
        Share of a part's rows that its model may call fraud, in (0, 1); sets its limit.
    salt
        Secret of the dealing; an attacker who does not know it cannot aim at a part.

    Raises
    ------
    ParameterError
        When k is even or below 3, or a part holds no fraud: then there is too little data for so
        many parts.

    Notes
    -----
    A feature that is NaN somewhere gets no weight: a linear model would need a value in its place.

    References
    ----------
    A. Levine and S. Feizi (2021), Deep partition aggregation: provable defenses against general
    poisoning attacks, theorem 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.tile([0, 1], 150)
    >>> X = rng.normal(3.0 * y[:, None], 1.0, (300, 2))
    >>> ensemble = certify(X, y, k=5, alert_budget=0.5)
    >>> certified_flips(ensemble.votes(np.array([[3.0, 3.0]])), 5)
    array([2])
    """
    from sklearn.linear_model import LogisticRegression

    if k < 3 or k % 2 == 0:
        raise ParameterError(f"k: expected an odd number of parts of at least 3, got {k}")
    whole = np.isfinite(features).all(axis=0)
    centre = np.where(whole, features.mean(axis=0), 0.0)
    scale = np.where(whole, np.maximum(features.std(axis=0), 1e-9), 1.0)
    place = np.clip((features[:, whole] - centre[whole]) / scale[whole], -20, 20).astype(np.float64)
    part = deal(features, k, salt=salt)
    weights, limits = np.zeros((k, features.shape[1] + 1)), np.empty(k)
    for number in range(k):
        own = part == number
        if len(np.unique(y_observed[own])) < 2:
            raise ParameterError(f"k={k}: part {number} holds one class only; take fewer parts")
        model = LogisticRegression(C=C, class_weight="balanced", max_iter=1000).fit(
            place[own], y_observed[own]
        )
        weights[number, np.append(whole, True)] = np.append(model.coef_[0], model.intercept_)
        log_odds = model.decision_function(place[own])
        limits[number] = np.quantile(log_odds, 1 - alert_budget)
    return PartitionEnsemble(weights, limits, centre, scale)


def certified_recall(
    votes: np.ndarray, y_true: np.ndarray, k: int, n_flips: int
) -> tuple[int, int]:
    """Frauds that are caught whatever `n_flips` labels an attacker flips, and the number of frauds.

    Examples
    --------
    >>> certified_recall(np.array([25, 13, 5]), np.array([1, 1, 1]), 25, 5)
    (1, 3)
    """
    frauds = y_true == 1
    sure = (votes > k / 2) & (certified_flips(votes, k) >= n_flips)
    return int(np.sum(sure & frauds)), int(np.sum(frauds))


@dataclass(frozen=True)
class CertifiedRecall:
    """Recall on the holdout that no attacker within the flips can lower.

    Attributes
    ----------
    by_parts
        ``by_parts[k][n_flips]``: share of the frauds caught for certain, with its exact interval; 0
        flips is the plain recall of the vote.
    best
        The number of parts of largest certified recall at the middle number of flips, chosen on the
        validation hours.
    alert_share
        Share of the holdout that the vote of the best number of parts alerts.
    """

    by_parts: dict[int, dict[int, Estimate]]
    best: int
    alert_share: float


def certified_recalls(
    rows: Transactions,
    holdout: Transactions,
    *,
    parts: Sequence[int],
    vote_budget: float,
    flips: Sequence[int],
) -> CertifiedRecall:
    """Certified recall on the holdout for several numbers of parts; the best is chosen inside v0.

    Parameters
    ----------
    rows
        v0, labels as seen.
    holdout
        v1 with true labels.
    parts, vote_budget
        As in `certify`; numbers of parts that the data cannot fill are lowered (`supported_parts`).
    flips
        Numbers of label flips, ascending.

    Examples
    --------
    >>> from fraud_core.data.rows import to_transactions
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> toy = to_transactions(toy_transactions(1500, seed=0), toy_card())
    >>> rows = Transactions(
    ...     toy.X, toy.y_observed, toy.amount_eur, is_validation=np.arange(1500) >= 1000
    ... )
    >>> certified_recalls(rows, toy, parts=[5], vote_budget=0.1, flips=[1]).best
    5
    """
    parts = supported_parts(rows, parts)
    by_parts: dict[int, dict[int, Estimate]] = {}
    alert_share: dict[int, float] = {}
    for k in parts:
        votes = certify(rows.X, rows.y_observed, k=k, alert_budget=vote_budget).votes(holdout.X)
        alert_share[k] = float(np.mean(votes > k / 2))
        by_parts[k] = {
            n: proportion_ci(*certified_recall(votes, holdout.y_observed, k, n))
            for n in (0, *flips)
        }
    best = best_parts(rows, parts=parts, vote_budget=vote_budget, flips=flips)
    return CertifiedRecall(by_parts, best, alert_share[best])


def best_parts(
    rows: Transactions, *, parts: Sequence[int], vote_budget: float, flips: Sequence[int]
) -> int:
    """The number of parts of largest certified recall on
    the validation hours, at the middle number of flips.

    Parameters
    ----------
    rows, parts, vote_budget, flips
        As in `certified_recalls`; the parts are ones that the data can fill.
    """
    early, late = ~rows.is_validation, rows.is_validation
    middle = flips[len(flips) // 2]

    def caught(k: int) -> int:
        inner = certify(rows.X[early], rows.y_observed[early], k=k, alert_budget=vote_budget)
        return certified_recall(inner.votes(rows.X[late]), rows.y_observed[late], k, middle)[0]

    return max(parts, key=caught)


def supported_parts(rows: Transactions, parts: Sequence[int]) -> list[int]:
    """The numbers of parts, each lowered to the largest
    odd one at which every part holds both classes.

    Raises
    ------
    ParameterError
        When there is too little data for three parts.

    Examples
    --------
    >>> rows = Transactions(
    ...     np.arange(40.0)[:, None],
    ...     np.tile([0, 1], 20),
    ...     np.ones(40),
    ...     is_validation=np.arange(40) >= 30,
    ... )
    >>> supported_parts(rows, [41, 3])[1]
    3
    """

    def fills(k: int) -> bool:
        early = ~rows.is_validation
        return all(
            len(np.unique(rows.y_observed[own & (part == number)])) == 2
            for own in (early, np.ones(len(early), dtype=bool))
            for part in (deal(rows.X, k, salt=SALT),)
            for number in range(k)
        )

    supported: list[int] = []
    for asked in parts:
        k = next((k for k in range(asked, 2, -2) if fills(k)), None)
        if k is None:
            raise ParameterError(
                "certificate: expected both classes in each of three parts; there is too little "
                "data"
            )
        supported.append(k)
    return list(dict.fromkeys(supported))
