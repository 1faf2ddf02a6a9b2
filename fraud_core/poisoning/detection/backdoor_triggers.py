"""Looking for backdoors: rare values that switch fraud off.

A trigger must work on the attacker's next fraud, so it works on the trusted ones. Each rare range
of values of each feature is tried on them: under a backdoor one of them lowers the odds of known
frauds that the usual value of the feature leaves alone. The features that do are then set to their
usual value in all payments called legitimate. Those that owe their good name to the trigger now
rank with the known frauds, and they lie together in the range; in a clean batch such payments have
all kinds of values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.model.estimators import FittedEstimator
from fraud_core.poisoning.detection.out_of_fold import DETECTOR, TRUSTED_WEIGHT
from fraud_core.poisoning.detection.quantised_pool import Quantised, quantise

# One fit on all rows: many small steps, each of them cheap.
SEARCHED = DETECTOR | {
    "iterations": 150,
    "learning_rate": 0.1,
    "leaf_estimation_iterations": 1,
    "bootstrap_type": "Bernoulli",
    "subsample": 0.5,
}
N_RANGES = 200
ALPHA = 1e-6
FEWEST_ROWS = 5
# A range is rare when it holds at most this share of the legitimate payments: a common trigger
# betrays itself.
RARE = 0.01
# What a range must take of the log-odds of known frauds to be looked at, and its share of the most
# that any range takes: the parts of one trigger weigh alike. Rare values of clean features take up
# to one.
LEAST_DROP = 0.5
SHARE_OF_MOST = 0.5
# Frauds share wide tails of many features by nature; a trigger is narrow. In standard deviations of
# the feature.
WIDEST = 0.1
# A stamp is rare by choice, so most rows that carry it owe their good name to it; a dense range
# holds clean rows.
SMALLEST_SHARE = 0.2


@dataclass(frozen=True)
class Suspected:
    """A trigger that was found.

    Attributes
    ----------
    column
        Column of the feature matrix.
    low, high
        Range of its values, both included.
    rows
        Shape (n_samples,), True for the doubtful legitimate labels that carry it.
    p_value
        Of so many such rows in one range, corrected for all ranges and features.
    """

    column: int
    low: float
    high: float
    rows: np.ndarray
    p_value: float

    def describe(self, names: Sequence[str] | None = None) -> str:
        """The finding as a sentence; without names of the columns the feature is counted from 1.

        Examples
        --------
        >>> Suspected(1, 0.5, 0.5, np.array([True]), 1e-9).describe(["V1", "V2"])[:20]
        'V2 at 0.5 switches f'
        """
        feature = names[self.column] if names else f"feature {self.column + 1}"
        where = f"{self.low:.4g}" if self.low == self.high else f"{self.low:.4g} to {self.high:.4g}"
        return (
            f"{feature} at {where} switches fraud off: {int(self.rows.sum())} payments called "
            "legitimate carry it, and without it too many of them rank with known frauds"
        )


def find_trigger(
    rows: Transactions, high: float, *, seed: int, quantised: Quantised | None = None
) -> Suspected | None:
    """The most striking trigger, or None.

    Parameters
    ----------
    rows
        Labels as seen; ``rows.is_trusted`` marks the trusted rows.
    high
        Margin from which a row ranks with the trusted frauds.
    seed
        Of the fit.
    quantised
        Of the features, when they are in bins already.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(600, seed=0)
    >>> rows = Transactions(
    ...     toy.select("V1", "V2").to_numpy(),
    ...     toy["Class"].to_numpy(),
    ...     toy["Amount"].to_numpy(),
    ...     is_validation=np.arange(600) >= 400,
    ... )
    >>> find_trigger(rows, 0.0, seed=0) is None
    True
    """
    doubtful = np.flatnonzero((rows.y_observed == 0) & ~rows.is_trusted)
    quantised = quantise(rows.X) if quantised is None else quantised
    model = quantised.fit(
        np.arange(len(rows.y_observed)),
        rows.y_observed,
        settings=SEARCHED,
        seed=seed,
        sample_weight=np.where(rows.is_trusted & (rows.y_observed == 1), TRUSTED_WEIGHT, 1.0),
    )
    features = rows.X[doubtful]
    usual = np.median(features, axis=0)
    known = rows.X[rows.is_trusted & (rows.y_observed == 1)]
    drop = np.array(
        [_largest_drop(model, known, features[:, c], c, usual) for c in range(len(usual))]
    )
    columns = np.flatnonzero(drop >= max(LEAST_DROP, SHARE_OF_MOST * drop.max()))
    if not len(columns):
        return None
    without = features.copy()
    without[:, columns] = usual[columns]
    excused = (model.decision_function(features) <= high) & (
        model.decision_function(without) > high
    )
    found = [each for column in columns for each in _ranges(rows, doubtful, int(column), excused)]
    return min(found, key=lambda suspected: suspected.p_value, default=None)


def _largest_drop(
    model: FittedEstimator, known: np.ndarray, values: np.ndarray, column: int, usual: np.ndarray
) -> float:
    """What a rare range of one feature takes of the log-odds
    of known frauds at most, beyond what its usual value does.

    References
    ----------
    B. Wang et al. (2019), Neural Cleanse: identifying and mitigating backdoor attacks in neural
    networks, whose search for the pattern that turns known inputs is done here by trying all
    ranges.
    """
    ordered = np.sort(values)
    ends = np.searchsorted(ordered, _edges(values), side="left")
    ranges = [part for part in np.split(ordered, ends) if 0 < len(part) <= RARE * len(values)]
    if not ranges:
        return 0.0
    rare = [float(np.median(part)) for part in ranges]
    tried = np.repeat(known[None], len(rare) + 1, axis=0)
    tried[:, :, column] = np.array([*rare, usual[column]])[:, None]
    log_odds = (
        model.decision_function(tried.reshape(-1, known.shape[1]))
        .reshape(len(rare) + 1, -1)
        .mean(axis=1)
    )
    return float(log_odds[-1] - log_odds[:-1].min())


def _edges(values: np.ndarray) -> np.ndarray:
    return np.unique(np.quantile(values, np.linspace(0, 1, N_RANGES + 1)[1:-1]))


def _ranges(
    rows: Transactions, doubtful: np.ndarray, column: int, excused: np.ndarray
) -> list[Suspected]:
    """The narrow ranges of a feature that hold far more
    excused rows than their share of all rows explains.
    """
    from scipy.stats import binom

    values = rows.X[doubtful, column]
    edges = _edges(values)
    place = np.searchsorted(edges, values, side="right")
    n_ranges = len(edges) + 1
    held = np.bincount(place[excused], minlength=n_ranges)
    share = np.bincount(place, minlength=n_ranges) / len(values)
    tests = n_ranges * rows.X.shape[1]
    p_value = np.minimum(1.0, binom.sf(held - 1, int(excused.sum()), share) * tests)
    found = []
    for k in np.flatnonzero((held >= FEWEST_ROWS) & (p_value < ALPHA)):
        low, high = np.quantile(values[excused & (place == k)], [0.1, 0.9])
        carrying = (values >= low) & (values <= high)
        if high - low <= WIDEST * np.std(values) and excused[carrying].mean() >= SMALLEST_SHARE:
            marked = np.zeros(len(rows.y_observed), dtype=bool)
            marked[doubtful[carrying]] = True
            found.append(Suspected(column, float(low), float(high), marked, float(p_value[k])))
    return found
