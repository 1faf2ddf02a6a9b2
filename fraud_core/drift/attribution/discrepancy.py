"""Discrepancy statistics: eleven numbers for how the features,
scores and labels of a window disagree with a reference.

Suppressed fraud labels are high scores labelled legitimate, spurious fraud labels are low scores
labelled fraud that scatter over the data, a new fraud pattern is low scores labelled fraud that lie
together, and in a label shift scores and labels move as one.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from fraud_core.drift.two_sample.binned import MINIMUM_ROWS, benjamini_hochberg
from fraud_core.drift.two_sample.distances import kolmogorov_smirnov
from fraud_core.drift.two_sample.multivariate import (
    PreparedScores,
    domain_classifier,
    normal_scores,
    prepare_scores,
)
from fraud_core.drift.two_sample.prepared_reference import prepare_reference
from fraud_core.drift.two_sample.univariate import feature_p_values

LOW_QUANTILE = 0.99
MINIMUM_COHERENT = 6
COHERENCE_DRAWS = 5
MOVEMENT_ROWS = 10_000
OF_LABELS = (
    "prevalence",
    "expected",
    "high_legitimate",
    "low_fraud",
    "low_fraud_share",
    "coherence",
    "displacement",
)


@dataclass(frozen=True)
class LabelledWindow:
    """Rows of a window with the observed labels and the
    probabilities of one model, fitted on neither window.

    Attributes
    ----------
    X
        Shape (n, n_features); NaN means missing.
    y_observed
        Shape (n,), 0 or 1, as the labels arrived.
    probability
        Shape (n,).
    """

    X: np.ndarray
    y_observed: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class DiscrepancyStatistics:
    """What separates the causes; each is near 0 when nothing changed.

    Attributes
    ----------
    domain
        Deviations by which the area of the domain classifier exceeds chance.
    features
        −log10 of the smallest adjusted Kolmogorov–Smirnov p-value of a feature.
    scores
        −log10 of the Kolmogorov–Smirnov p-value of the score.
    prevalence
        Deviations of the share of fraud labels from that of the reference.
    expected
        Deviations of the number of fraud labels from that expected from the scores.
    suspicious
        Deviations of the share of rows with a high score, labels unread.
    high_legitimate
        Deviations by which legitimate labels among high scores exceed the reference.
    low_fraud
        Deviations by which fraud labels among low scores exceed the reference.
    low_fraud_share
        Share of the fraud labels on low scores, less that of the reference.
    coherence
        Log of how much closer the frauds of low score lie to each other than legitimate rows do; 0
        with fewer than six.
    displacement
        Log of the squared distance of their centre from that of legitimate rows, in units of what
        chance gives as many legitimate rows; 0 with fewer than six.
    """

    domain: float
    features: float
    scores: float
    prevalence: float
    expected: float
    suspicious: float
    high_legitimate: float
    low_fraud: float
    low_fraud_share: float
    coherence: float
    displacement: float

    def without_labels(self) -> "DiscrepancyStatistics":
        """What a monitor of features and scores can know: statistics that read labels are 0."""
        return replace(self, **dict.fromkeys(OF_LABELS, 0.0))

    def vector(self) -> np.ndarray:
        """The statistics as shape (11,), long tails drawn in."""
        values = np.array([getattr(self, field.name) for field in fields(self)])
        return np.sign(values) * np.log1p(np.abs(values))


def measure_discrepancy(
    reference: LabelledWindow, current: LabelledWindow, *, rng: np.random.Generator
) -> DiscrepancyStatistics:
    """Measure a labelled window against a reference.

    Parameters
    ----------
    rng
        Deals the folds of the domain classifier and draws rows to compare distances with.

    Raises
    ------
    ValueError
        When a window has fewer than 200 rows or the reference has no fraud: there is nothing to
        measure against.

    Notes
    -----
    A score is high when it is among the highest of the reference, as many as it has frauds; it is
    low below the reference's 99% quantile. The movement of features is measured on at most 10,000
    rows of each window. Deviations compare two counts: (c − e) / √(e (1 + m/n)).
    """
    n_frauds = int(reference.y_observed.sum())
    if n_frauds == 0 or min(len(reference.y_observed), len(current.y_observed)) < MINIMUM_ROWS:
        raise ValueError(
            "attribution: expected at least 200 rows in each window and a fraud in the reference"
        )
    names = [str(k) for k in range(reference.X.shape[1])]
    before, after = (_sample(window.X, rng) for window in (reference, current))
    prepared, scores = prepare_reference(before, names, n_bins=10), prepare_scores(before, rng=rng)
    domain = domain_classifier(scores, after, rng=rng)
    if domain is None or domain.effect is None:
        raise ValueError("attribution: expected rows enough for the domain classifier")
    width = max((domain.effect.ci_high - domain.effect.ci_low) / 3.92, 1e-12)
    high = np.sort(reference.probability)[-n_frauds]
    low = min(float(np.quantile(reference.probability, LOW_QUANTILE)), float(high))
    coherence, displacement = _coherence(current, low, scores, rng)
    ratio = len(current.y_observed) / len(reference.y_observed)
    low_before, low_after = (w.y_observed[w.probability < low] for w in (reference, current))
    high_before, high_after = (w.y_observed[w.probability >= high] for w in (reference, current))
    return DiscrepancyStatistics(
        domain=(domain.effect.value - 0.5) / width,
        features=_exponent(np.nanmin(benjamini_hochberg(feature_p_values(prepared, after)))),
        scores=_exponent(kolmogorov_smirnov(reference.probability, current.probability)[1]),
        prevalence=_deviations(current.y_observed.sum(), n_frauds * ratio, ratio),
        expected=_deviations(current.y_observed.sum(), _expected_frauds(reference, current), ratio),
        suspicious=_deviations(len(high_after), len(high_before) * ratio, ratio),
        high_legitimate=_deviations(
            np.sum(high_after == 0),
            _share(high_before == 0) * len(high_after),
            len(high_after) / len(high_before),
        ),
        low_fraud=_deviations(
            low_after.sum(), low_before.mean() * len(low_after), len(low_after) / len(low_before)
        ),
        low_fraud_share=float(
            low_after.sum() / max(1, current.y_observed.sum()) - low_before.sum() / n_frauds
        ),
        coherence=coherence,
        displacement=displacement,
    )


def _expected_frauds(reference: LabelledWindow, current: LabelledWindow) -> float:
    """Frauds expected from the scores, by the fraud share of each score bin of the reference."""
    frauds = np.sort(reference.probability[reference.y_observed == 1])
    cuts = np.unique(np.quantile(frauds, np.linspace(0, 1, 6)[:-1]))
    bin_before, bin_after = (
        np.searchsorted(cuts, w.probability, side="right") for w in (reference, current)
    )
    size = len(cuts) + 1
    frauds_before = np.bincount(bin_before, weights=reference.y_observed, minlength=size)
    share = frauds_before / np.maximum(1, np.bincount(bin_before, minlength=size))
    return float(share @ np.bincount(bin_after, minlength=size))


def _coherence(
    window: LabelledWindow, low: float, scores: PreparedScores, rng: np.random.Generator
) -> tuple[float, float]:
    """Whether low-scored frauds lie together: by their
    nearest neighbours, and by the place of their centre.
    """
    frauds = np.flatnonzero((window.y_observed == 1) & (window.probability < low))
    others = np.flatnonzero((window.y_observed == 0) & (window.probability < low))
    if len(frauds) < MINIMUM_COHERENT or len(others) < len(frauds):
        return 0.0, 0.0
    own = normal_scores(scores, window.X[frauds])
    usual = normal_scores(
        scores, window.X[rng.choice(others, min(len(others), MOVEMENT_ROWS), replace=False)]
    )
    drawn = [
        _nearest(rng.choice(usual, len(frauds), replace=False)) for _ in range(COHERENCE_DRAWS)
    ]
    by_chance = float(usual.var(axis=0).sum()) / len(frauds)
    away = float(np.sum((own.mean(axis=0) - usual.mean(axis=0)) ** 2))
    return float(np.log(np.mean(drawn) / max(_nearest(own), 1e-9))), float(
        np.log(max(away / max(by_chance, 1e-9), 1e-3))
    )


def _sample(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (
        rows
        if len(rows) <= MOVEMENT_ROWS
        else rows[rng.choice(len(rows), MOVEMENT_ROWS, replace=False)]
    )


def _nearest(rows: np.ndarray) -> float:
    """Median distance to the nearest other row;
    equal rows, which resampling makes, do not count.
    """
    rows = np.unique(rows.astype(np.float64), axis=0)
    if len(rows) < 2:
        return 1e-9
    square = np.sum(rows**2, axis=1)
    distance = np.maximum(square[:, None] + square - 2 * rows @ rows.T, 0.0)
    np.fill_diagonal(distance, np.inf)
    return float(np.sqrt(np.median(distance.min(axis=1))))


def _deviations(count: float, expected: float, ratio: float) -> float:
    return float((count - expected) / np.sqrt(max(expected, 0.5) * (1 + ratio)))


def _exponent(p_value: float) -> float:
    return float(-np.log10(max(p_value, 1e-100)))


def _share(marked: np.ndarray) -> float:
    return float((marked.sum() + 0.5) / (len(marked) + 1))
