"""The list of drift statistics. The comparison of features, the study's table, the figures of
``fraud drift`` and the table of the documentation all read it.

To add one, write its module with a `DriftStatistic` in it, its test, and its line in `STATISTICS`.
"""

import numpy as np

from fraud_core.drift.two_sample.distances import jensen_shannon, wasserstein
from fraud_core.drift.two_sample.statistic import DriftStatistic, FeaturePair


def _jensen_shannon(pair: FeaturePair) -> float:
    return jensen_shannon(pair.reference_shares, pair.current_shares)


def _wasserstein(pair: FeaturePair) -> float:
    deviation = float(np.std(pair.reference, dtype=np.float64))
    return wasserstein(pair.reference, pair.current) / (deviation if deviation > 0 else 1.0)


STATISTICS: tuple[DriftStatistic, ...] = (
    DriftStatistic(
        "kolmogorov_smirnov",
        "Kolmogorov–Smirnov",
        "largest distance of the two empirical distributions, in [0, 1]",
        lambda pair: pair.kolmogorov_smirnov,
    ),
    DriftStatistic(
        "jensen_shannon",
        "Jensen–Shannon",
        "square root of the divergence of the binned shares to base 2, in [0, 1]",
        _jensen_shannon,
        of_categories=True,
    ),
    DriftStatistic(
        "wasserstein",
        "distance, sd",
        "mean distance that values moved, at least 0, in standard deviations of the reference",
        _wasserstein,
    ),
)


def distances(pair: FeaturePair) -> dict[str, float]:
    """Every statistic of one feature, by name; 0 where it is not defined.

    Examples
    --------
    >>> values, shares = np.arange(100.0), np.array([0.5, 0.5, 0.0])
    >>> distances(FeaturePair(values, values, shares, shares))
    {'kolmogorov_smirnov': 0.0, 'jensen_shannon': 0.0, 'wasserstein': 0.0}
    """
    return {
        statistic.name: float(statistic.measure(pair))
        if pair.has_values or statistic.of_categories
        else 0.0
        for statistic in STATISTICS
    }


def statistic_rows() -> list[dict[str, str]]:
    """The table of the documentation, a row for each statistic.

    Examples
    --------
    >>> statistic_rows()[0]["statistic"]
    '`kolmogorov_smirnov`'
    """
    return [
        {
            "statistic": f"`{statistic.name}`",
            "what it measures": statistic.words,
            "of categories": "yes" if statistic.of_categories else "",
        }
        for statistic in STATISTICS
    ]
