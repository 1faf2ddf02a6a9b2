"""What equal treatment costs: exact thresholds by group, Fairlearn's ways, and the front of cost against disparity.

Cruz and Hardt (2024), Unprocessing Seven Years of Algorithmic Fairness (ICLR): group thresholds on the best
unconstrained score contain the fronts of the other methods, so they are baseline and ceiling here.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from fraud_core.errors import ParameterError
from fraud_core.model.intervals import Interval, interval

N_THRESHOLDS = 60


@dataclass(frozen=True)
class ScoredRows:
    """Rows with the score of the champion, shape (n_samples,) each; features for the methods that fit anew."""

    y_true: np.ndarray
    margin: np.ndarray
    group: np.ndarray
    features: np.ndarray

    def at(self, rows: np.ndarray) -> "ScoredRows":
        """Some of the rows."""
        return ScoredRows(self.y_true[rows], self.margin[rows], self.group[rows], self.features[rows])


@dataclass(frozen=True)
class GroupThresholds:
    """Thresholds by group, each with the probability that it is the one that is used."""

    thresholds: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]

    def alert_probability(self, rows: ScoredRows) -> np.ndarray:
        """Probability of an alert for each row, shape (n_samples,)."""
        out = np.zeros(len(rows.margin))
        for group, thresholds in self.thresholds.items():
            here = rows.group == group
            out[here] = (rows.margin[here, None] >= thresholds) @ self.weights[group]
        return out


@dataclass(frozen=True)
class Policy:
    """A way to decide, judged on rows that it was not chosen on."""

    method: str
    tolerance: float | None
    equalized_odds: Interval
    cost_ratio: Interval
    alert_share: float


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
        Share of all rows that may be alerted, None without a limit.

    Raises
    ------
    ParameterError
        When the rows are of one group.

    Notes
    -----
    A linear programme over the mixture of thresholds of each group: rates and costs are linear in it, so the optimum is
    exact on the grid of thresholds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, group = np.tile([0, 1], 200), np.repeat(["a", "b"], 200)
    >>> rows = ScoredRows(y, y + rng.normal(size=400), group, np.zeros((400, 1)))
    >>> found = choose_group_thresholds(rows, miss_cost=5.0, tolerance=0.0, budget=None)
    >>> round(float(sum(found.weights["a"])), 6)
    1.0
    """
    from scipy.optimize import linprog

    groups = np.unique(rows.group)
    if len(groups) < 2:
        raise ParameterError(f"mitigation: expected rows of at least two groups, found {', '.join(map(str, groups))}")
    n = N_THRESHOLDS + 1
    points = [_operating_points(rows, group) for group in groups]
    cost = np.concatenate([miss_cost * p.positives * (1 - p.recall) + p.size * p.alerts for p in points])
    upper, bound = [], []
    for a, b in combinations(range(len(groups)), 2):
        for rate in ("recall", "false_alarms"):
            row = np.zeros(n * len(groups))
            row[a * n : (a + 1) * n], row[b * n : (b + 1) * n] = getattr(points[a], rate), -getattr(points[b], rate)
            upper += [row, -row]
            bound += [tolerance, tolerance]
    if budget is not None:
        upper.append(np.concatenate([p.size * p.alerts for p in points]) / len(rows.y_true))
        bound.append(budget)
    whole = np.kron(np.eye(len(groups)), np.ones(n))
    solved = linprog(
        cost / len(rows.y_true), A_ub=np.array(upper), b_ub=bound, A_eq=whole, b_eq=np.ones(len(groups)), bounds=(0, 1)
    )
    weights = solved.x.reshape(len(groups), n)
    return GroupThresholds(
        {str(g): p.threshold for g, p in zip(groups, points, strict=True)},
        {str(g): w / w.sum() for g, w in zip(groups, weights, strict=True)},
    )


@dataclass(frozen=True)
class _Points:
    """What each threshold of a group does: shape (n_thresholds + 1,), the last alerts nobody."""

    threshold: np.ndarray
    recall: np.ndarray
    false_alarms: np.ndarray
    alerts: np.ndarray
    positives: int
    size: int


def _operating_points(rows: ScoredRows, group: str) -> _Points:
    here = rows.group == group
    margin, y_true = rows.margin[here], rows.y_true[here]
    threshold = np.append(np.quantile(margin, np.linspace(0, 1, N_THRESHOLDS, endpoint=False)), np.inf)
    alerted = margin[:, None] >= threshold
    return _Points(
        threshold, alerted[y_true == 1].mean(axis=0), alerted[y_true == 0].mean(axis=0), alerted.mean(axis=0),
        int(y_true.sum()), len(y_true),
    )  # fmt: skip


def fairlearn_thresholds(chosen: ScoredRows, judged: ScoredRows, *, seed: int) -> np.ndarray:
    """Decisions of Fairlearn's ThresholdOptimizer for equalised odds, chosen on one half, on the other half."""
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Champion(ClassifierMixin, BaseEstimator):
        """Hands on the margin that it is given."""

        classes_ = np.array([0, 1])

        def fit(self, X, y):
            """Nothing is learnt here."""
            return self

        def predict(self, X):
            """The margins."""
            return np.asarray(X)[:, 0]

    optimizer = ThresholdOptimizer(
        estimator=Champion(),
        constraints="equalized_odds",
        objective="balanced_accuracy_score",
        predict_method="predict",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn and pandas discuss their own types
        optimizer.fit(chosen.margin[:, None], chosen.y_true, sensitive_features=chosen.group)
        answer = optimizer.predict(judged.margin[:, None], sensitive_features=judged.group, random_state=seed)
    return np.asarray(answer, dtype=float)


def fairlearn_reductions(
    chosen: ScoredRows, judged: ScoredRows, *, miss_cost: float, tolerance: float, n_iterations: int, seed: int
) -> np.ndarray:
    """Decisions of Fairlearn's ExponentiatedGradient for equalised odds, fitted on one half, on the other half."""
    from fairlearn.reductions import EqualizedOdds, ErrorRate, ExponentiatedGradient
    from sklearn.ensemble import HistGradientBoostingClassifier

    learner = ExponentiatedGradient(
        HistGradientBoostingClassifier(max_iter=60, random_state=seed),
        constraints=EqualizedOdds(difference_bound=max(tolerance, 0.01)),
        objective=ErrorRate(costs={"fp": 1.0, "fn": miss_cost - 1.0}), max_iter=n_iterations,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn and pandas discuss their own types
        learner.fit(chosen.features, chosen.y_true, sensitive_features=chosen.group)
        return np.asarray(learner.predict(judged.features, random_state=seed), dtype=float)


def judge_policies(
    rows: ScoredRows,
    decided: Sequence[tuple[str, float | None, np.ndarray]],
    *,
    miss_cost: float,
    n_replicates: int,
    rng: np.random.Generator,
) -> list[Policy]:
    """Disparity and cost of each way, paired over resampled rows; the first is what costs are compared with.

    Parameters
    ----------
    decided
        Method, tolerance, and probability of an alert for each row.
    """
    cells = [(rows.group == g) & (rows.y_true == y) for y in (1, 0) for g in np.unique(rows.group)]
    members = np.column_stack(cells).astype(float)
    weight = np.vstack([
        np.ones(len(rows.y_true)),
        rng.multinomial(len(rows.y_true), np.full(len(rows.y_true), 1 / len(rows.y_true)), size=n_replicates),
    ])  # fmt: skip
    counts = np.maximum(weight @ members, 1)
    costs, found = [], []
    for method, tolerance, probability in decided:
        rates = (weight @ (members * probability[:, None])) / counts
        half = rates.shape[1] // 2
        gaps = [np.ptp(part, axis=1) for part in (rates[:, :half], rates[:, half:])]
        costs.append(weight @ (miss_cost * rows.y_true * (1 - probability) + probability))
        found.append((method, tolerance, np.maximum(*gaps), float(probability.mean())))
    return [
        Policy(method, tolerance, largest_gap(odds), interval(cost / costs[0]), alerts)
        for (method, tolerance, odds, alerts), cost in zip(found, costs, strict=True)
    ]


def largest_gap(replicates: np.ndarray) -> Interval:
    """The interval of a largest difference, whose replicates lie too high by what chance adds to a maximum.

    Parameters
    ----------
    replicates
        The value first. They are moved by the bootstrap's own estimate of its bias, and end at 0.

    References
    ----------
    B. Efron and R. Tibshirani (1993), An Introduction to the Bootstrap, chapter 10.

    Examples
    --------
    >>> largest_gap(np.array([0.1, 0.2, 0.2, 0.2])).high
    0.1
    """
    value = float(replicates[0])
    low, high = np.quantile(replicates[1:] - (replicates[1:].mean() - value), [0.025, 0.975])
    return Interval(value, max(0.0, min(float(low), value)), max(float(high), value))


def build_front(
    rows: ScoredRows, settings: Mapping[str, Any], *, selection_rate: float, n_replicates: int, seed: int
) -> list[Policy]:
    """The champion, group thresholds with and without the alert budget, and Fairlearn's ways.

    Parameters
    ----------
    rows
        Split in two at random: thresholds are chosen on one half and judged on the other.
    settings
        ``miss_cost``, ``tolerances``, ``n_iterations`` (0 leaves ExponentiatedGradient out).

    Returns
    -------
    list of Policy
        The champion first.
    """
    # a stream of its own: the folds were drawn from the seed alone, and a half must not follow them
    rng = np.random.default_rng([seed, 1])
    half = rng.random(len(rows.y_true)) < 0.5
    chosen, judged = rows.at(half), rows.at(~half)
    champion = (judged.margin >= np.quantile(chosen.margin, 1 - selection_rate)).astype(float)
    ways: list[tuple[str, float | None, np.ndarray]] = [("champion", None, champion)]
    for name, budget in (("group thresholds within the budget", selection_rate), ("group thresholds", None)):
        for tolerance in settings["tolerances"]:
            found = choose_group_thresholds(chosen, miss_cost=settings["miss_cost"], tolerance=tolerance, budget=budget)
            ways.append((name, tolerance, found.alert_probability(judged)))
    ways.append(("Fairlearn ThresholdOptimizer", 0.0, fairlearn_thresholds(chosen, judged, seed=seed)))
    if settings["n_iterations"]:
        tolerance = settings["tolerances"][0]
        answer = fairlearn_reductions(
            chosen, judged, miss_cost=settings["miss_cost"], tolerance=tolerance,
            n_iterations=settings["n_iterations"], seed=seed,
        )  # fmt: skip
        ways.append(("Fairlearn ExponentiatedGradient", tolerance, answer))
    return judge_policies(judged, ways, miss_cost=settings["miss_cost"], n_replicates=n_replicates, rng=rng)
