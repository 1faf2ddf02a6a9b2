"""Looking for backdoors: a value of one feature that switches fraud off.

A trigger lets fraud pass because of one narrow range of values. So each feature in turn is set to its usual value; a
payment called legitimate that then ranks with the trusted frauds owes its good name to that feature. In a clean batch
such payments have all kinds of values there; under a backdoor they share one.
"""

from dataclasses import dataclass

import numpy as np

from fraud_core.model.champion import TrainingRows
from fraud_core.model.estimators import fit_estimator
from fraud_core.poisoning.scores import DETECTOR, TRUSTED_WEIGHT

FAST = {"leaf_estimation_iterations": 1, "bootstrap_type": "Bernoulli", "subsample": 0.5}

N_RANGES = 200
ALPHA = 1e-6
FEWEST_ROWS = 5
# Frauds share wide tails of many features by nature; a trigger is narrow. In standard deviations of the feature.
WIDEST = 0.1
# A stamp is rare by choice, so most rows that carry it owe their good name to it; a dense range holds honest rows.
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

    @property
    def words(self) -> str:
        """The finding as a sentence; the column is counted from 1."""
        where = f"{self.low:.4g}" if self.low == self.high else f"{self.low:.4g} to {self.high:.4g}"
        return (
            f"feature {self.column + 1} at {where} switches fraud off: {int(self.rows.sum())} payments called "
            "legitimate carry it, and without it too many of them rank with known frauds"
        )


def find_trigger(rows: TrainingRows, high: float, *, seed: int) -> Suspected | None:
    """The most striking trigger, or None.

    Parameters
    ----------
    rows
        Labels as seen; ``rows.validation`` marks the trusted rows.
    high
        Margin from which a row ranks with the trusted frauds.
    seed
        Of the fit.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(600, seed=0)
    >>> rows = TrainingRows(toy.select("V1", "V2").to_numpy(), toy["Class"].to_numpy(), toy["Amount"].to_numpy(),
    ...                     np.arange(600) >= 400)
    >>> find_trigger(rows, 0.0, seed=0) is None
    True
    """
    doubtful = np.flatnonzero((rows.y_true == 0) & ~rows.validation)
    model = fit_estimator(
        "catboost", rows.features, rows.y_true, settings=DETECTOR | FAST, seed=seed, n_threads=1,
        sample_weight=np.where(rows.validation & (rows.y_true == 1), TRUSTED_WEIGHT, 1.0),
    )  # fmt: skip
    features = rows.features[doubtful]
    as_is = model.margin(features)
    found: list[Suspected] = []
    for column in range(features.shape[1]):
        usual = features.copy()
        usual[:, column] = np.median(features[:, column])
        excused = (as_is <= high) & (model.margin(usual) > high)
        found += _ranges(rows, doubtful, column, excused)
    return min(found, key=lambda suspected: suspected.p_value, default=None)


def _ranges(rows: TrainingRows, doubtful: np.ndarray, column: int, excused: np.ndarray) -> list[Suspected]:
    """The narrow ranges of a feature that hold far more excused rows than their share of all rows explains."""
    from scipy.stats import binom

    values = rows.features[doubtful, column]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, N_RANGES + 1)[1:-1]))
    place = np.searchsorted(edges, values, side="right")
    n_ranges = len(edges) + 1
    held = np.bincount(place[excused], minlength=n_ranges)
    share = np.bincount(place, minlength=n_ranges) / len(values)
    tests = n_ranges * rows.features.shape[1]
    p_value = np.minimum(1.0, binom.sf(held - 1, int(excused.sum()), share) * tests)
    found = []
    for k in np.flatnonzero((held >= FEWEST_ROWS) & (p_value < ALPHA)):
        low, high = np.quantile(values[excused & (place == k)], [0.1, 0.9])
        carrying = (values >= low) & (values <= high)
        if high - low <= WIDEST * np.std(values) and excused[carrying].mean() >= SMALLEST_SHARE:
            marked = np.zeros(len(rows.y_true), dtype=bool)
            marked[doubtful[carrying]] = True
            found.append(Suspected(column, float(low), float(high), marked, float(p_value[k])))
    return found
