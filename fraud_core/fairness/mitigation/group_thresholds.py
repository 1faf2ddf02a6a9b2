"""Randomised thresholds by group: the cheapest ones
that reach parity within a tolerance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fraud_core.errors import ParameterError

N_THRESHOLDS = 60


@dataclass(frozen=True)
class ScoredRows:
    """Rows with the score of the champion, shape (n_samples,)
    each; features for the methods that fit again.
    """

    y_true: np.ndarray
    log_odds: np.ndarray
    group: np.ndarray
    features: np.ndarray

    def at(self, rows: np.ndarray) -> "ScoredRows":
        """Some of the rows."""
        return ScoredRows(
            self.y_true[rows], self.log_odds[rows], self.group[rows], self.features[rows]
        )


@dataclass(frozen=True)
class GroupThresholds:
    """Thresholds by group, each with the probability that it is the one that is used."""

    thresholds: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]

    def alert_probability(self, rows: ScoredRows) -> np.ndarray:
        """Probability of an alert for each row, shape (n_samples,).

        Raises
        ------
        ParameterError
            When a row is of a group for which no threshold was chosen.
        """
        unseen = sorted(set(rows.group.tolist()) - set(self.thresholds))
        if unseen:
            raise ParameterError(
                f"mitigation: expected rows of the groups {', '.join(self.thresholds)}, found "
                f"group {unseen[0]}, for "
                "which no threshold was chosen; choose thresholds on rows that hold it"
            )
        out = np.zeros(len(rows.log_odds))
        for group, thresholds in self.thresholds.items():
            here = rows.group == group
            out[here] = (rows.log_odds[here, None] >= thresholds) @ self.weights[group]
        return out


def choose_group_thresholds(
    rows: ScoredRows, *, miss_cost: float, tolerance: float, budget: float | None
) -> GroupThresholds:
    """The cheapest thresholds by group whose equalised-odds difference stays within a tolerance.

    Parameters
    ----------
    miss_cost
        Cost of a missed positive, in reviews.
    tolerance
        Largest difference of recall, and of false-positive rate, between two groups.
    budget
        Share of all rows that may be alerted, None for any share.

    Raises
    ------
    ParameterError
        When the rows are of one group, or a group lacks positives or negatives.

    Notes
    -----
    A linear programme over the randomised thresholds of each group: rates and costs are linear in
    it, so the optimum is exact on the grid of thresholds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, group = np.tile([0, 1], 200), np.repeat(["a", "b"], 200)
    >>> rows = ScoredRows(y, y + rng.normal(size=400), group, np.zeros((400, 1)))
    >>> chosen = choose_group_thresholds(rows, miss_cost=5.0, tolerance=0.0, budget=None)
    >>> round(float(sum(chosen.weights["a"])), 6)
    1.0
    """
    from scipy.optimize import linprog

    groups = np.unique(rows.group)
    if len(groups) < 2:
        raise ParameterError(
            f"mitigation: expected rows of at least two groups, found {', '.join(map(str, groups))}"
        )
    n = N_THRESHOLDS + 1
    points = [_operating_points(rows, group) for group in groups]
    cost = np.concatenate(
        [miss_cost * p.positives * (1 - p.recall) + p.size * p.alerts for p in points]
    )
    upper, bound = [], []
    for a, b in combinations(range(len(groups)), 2):
        for rate in ("recall", "false_alarms"):
            row = np.zeros(n * len(groups))
            row[a * n : (a + 1) * n], row[b * n : (b + 1) * n] = (
                getattr(points[a], rate),
                -getattr(points[b], rate),
            )
            upper += [row, -row]
            bound += [tolerance, tolerance]
    if budget is not None:
        upper.append(np.concatenate([p.size * p.alerts for p in points]) / len(rows.y_true))
        bound.append(budget)
    whole = np.kron(np.eye(len(groups)), np.ones(n))
    solved = linprog(
        cost / len(rows.y_true),
        A_ub=np.array(upper),
        b_ub=bound,
        A_eq=whole,
        b_eq=np.ones(len(groups)),
        bounds=(0, 1),
    )
    weights = solved.x.reshape(len(groups), n)
    return GroupThresholds(
        {str(g): p.threshold for g, p in zip(groups, points, strict=True)},
        {str(g): w / w.sum() for g, w in zip(groups, weights, strict=True)},
    )


@dataclass(frozen=True)
class _Points:
    """What each threshold of a group does: shape (n_thresholds + 1,), the last alerts no row."""

    threshold: np.ndarray
    recall: np.ndarray
    false_alarms: np.ndarray
    alerts: np.ndarray
    positives: int
    size: int


def _operating_points(rows: ScoredRows, group: str) -> _Points:
    here = rows.group == group
    log_odds, y_true = rows.log_odds[here], rows.y_true[here]
    if len(np.unique(y_true)) < 2:
        lacking = "negatives" if y_true.all() else "positives"
        raise ParameterError(
            f"mitigation: expected positives and negatives in each group, group {group} has no "
            f"{lacking} among "
            f"{len(y_true)} rows; leave it out or join it with another group"
        )
    threshold = np.append(
        np.quantile(log_odds, np.linspace(0, 1, N_THRESHOLDS, endpoint=False)), np.inf
    )
    alerted = log_odds[:, None] >= threshold
    return _Points(
        threshold,
        alerted[y_true == 1].mean(axis=0),
        alerted[y_true == 0].mean(axis=0),
        alerted.mean(axis=0),
        int(y_true.sum()),
        len(y_true),
    )
