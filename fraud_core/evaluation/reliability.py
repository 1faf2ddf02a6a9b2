"""Reliability of probabilities: frauds expected
against frauds observed, overall and by bin.

The mean absolute error over all rows hides a miscalibration of rare events, since nearly every row
lies in the lowest bin. Here the frauds that a model expects (the sum of its probabilities) are
held against those that were observed.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.evaluation.metrics import CALIBRATION_EDGES

TAIL = 0.025


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose probability lies in one bin.

    Attributes
    ----------
    low, high
        Ends of the bin, closed on the left; the last holds 1.0 too.
    rows, expected, observed
        Rows, sum of their probabilities, and frauds among them.
    mean_probability
        ``expected / rows``.
    observed_share
        Share of frauds with its Clopper–Pearson 95% interval; 0 where none was observed.
    """

    low: float
    high: float
    rows: int
    expected: float
    observed: int
    mean_probability: float
    observed_share: Estimate

    @property
    def words(self) -> str:
        """The bin in words, such as ``0.6 to 0.9``."""
        return f"{self.low:g} to {self.high:g}"


def expected_over_observed(y_true: np.ndarray, y_score: np.ndarray) -> Estimate:
    """Sum of the probabilities over the number of
    frauds; 1 is calibrated, above 1 expects too many.

    Parameters
    ----------
    y_true
        Shape (n_samples,), 0 or 1, at least one fraud.
    y_score
        Shape (n_samples,), probabilities.

    Returns
    -------
    Estimate
        The interval is that of the observed count as a Poisson number; probabilities are taken as
        given.

    Raises
    ------
    ValueError
        When there is no fraud: the ratio has no value then.

    References
    ----------
    F. Garwood (1936), Fiducial limits for the Poisson distribution.

    Examples
    --------
    >>> ratio = expected_over_observed(np.repeat([0, 1], [90, 10]), np.full(100, 0.2))
    >>> round(ratio.value, 2), round(ratio.ci_low, 2), round(ratio.ci_high, 2)
    (2.0, 1.09, 4.17)
    """
    observed, expected = int(y_true.sum()), float(np.sum(y_score))
    if not observed:
        raise ValueError(
            f"expected at least one fraud to compare with, found none in {len(y_true)} rows"
        )
    lower, upper = poisson_limits(observed)
    return Estimate(expected / observed, expected / upper, expected / lower)


def poisson_limits(count: int) -> tuple[float, float]:
    """The exact 95% limits of the mean of a Poisson number.

    Examples
    --------
    >>> [round(limit, 2) for limit in poisson_limits(0)]
    [0.0, 3.69]
    """
    # SciPy has no stubs
    from scipy.stats import chi2  # pyright: ignore[reportMissingTypeStubs]

    quantile = cast(Any, chi2).ppf
    low = float(quantile(TAIL, 2 * count)) / 2 if count else 0.0
    return low, float(quantile(1 - TAIL, 2 * count + 2)) / 2


def reliability_bins(
    y_true: np.ndarray, y_score: np.ndarray, edges: np.ndarray = CALIBRATION_EDGES
) -> list[ReliabilityBin]:
    """Expected and observed frauds in each bin that holds a row.

    Parameters
    ----------
    edges
        Ascending, from 0 to 1.

    Examples
    --------
    >>> one = reliability_bins(np.array([0, 0]), np.array([0.7, 0.8]))[0]
    >>> one.words, one.expected, one.observed, one.observed_share.value
    ('0.6 to 0.9', 1.5, 0, 0.0)
    """
    place = np.digitize(y_score, edges[1:-1])
    bins: list[ReliabilityBin] = []
    for number in np.unique(place):
        own = place == number
        rows, expected, observed = int(own.sum()), float(y_score[own].sum()), int(y_true[own].sum())
        bins.append(
            ReliabilityBin(
                float(edges[number]),
                float(edges[number + 1]),
                rows,
                expected,
                observed,
                expected / rows,
                proportion_ci(observed, rows),
            )
        )
    return bins


def reliability_rows(bins: list[ReliabilityBin]) -> list[dict[str, object]]:
    """The bins as rows of a table."""
    return [
        {
            "probability": one.words,
            "payments": one.rows,
            "expected": round(one.expected, 1),
            "observed": one.observed,
            "share of frauds": one.observed_share,
        }
        for one in bins
    ]
