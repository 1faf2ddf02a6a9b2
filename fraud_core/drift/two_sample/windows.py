"""A whole window against a reference: one state over all tests, under one budget of false alarms.

Half of the budget belongs to the features (Benjamini–Hochberg), a quarter to the domain classifier
and a quarter to the reconstruction error. A single feature that moves is found by its own test, a
small move of all by the classifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.two_sample.binned import MINIMUM_ROWS, State, benjamini_hochberg
from fraud_core.drift.two_sample.multivariate import (
    PreparedScores,
    WindowTest,
    domain_classifier,
    prepare_scores,
    reconstruction_error,
)
from fraud_core.drift.two_sample.prepared_reference import PreparedReference, prepare_reference
from fraud_core.drift.two_sample.univariate import FeatureDrift, compare_window, feature_p_values

FEATURE_SHARE, WINDOW_SHARE = 0.5, 0.25


@dataclass(frozen=True)
class PreparedWindow:
    """A reference window, made ready for the tests of one feature and of all together."""

    by_feature: PreparedReference
    scores: PreparedScores


@dataclass(frozen=True)
class WindowDrift:
    """What a window did.

    Attributes
    ----------
    state
        ``material``: a feature is, or the domain classifier reached its threshold. ``significant``:
        some test is and no effect reaches a threshold. ``stable``: no test is significant.
        ``insufficient_data``: fewer than 200 rows in a window.
    features
        In column order, categories last.
    domain, reconstruction
        None with insufficient data.
    """

    state: State
    features: tuple[FeatureDrift, ...]
    domain: WindowTest | None
    reconstruction: WindowTest | None


def prepare_window(
    rows: np.ndarray, names: Sequence[str], *, n_bins: int, rng: np.random.Generator
) -> PreparedWindow:
    """Make a reference of shape (n, n_features) ready; NaN means missing."""
    return PreparedWindow(
        prepare_reference(rows, names, n_bins=n_bins), prepare_scores(rows, rng=rng)
    )


def compare_windows(
    reference: PreparedWindow,
    current: np.ndarray,
    *,
    psi_threshold: float,
    domain_threshold: float,
    alpha: float,
    rng: np.random.Generator,
    categories: Sequence[FeatureDrift] = (),
) -> WindowDrift:
    """Compare a window of shape (m, n_features) with a reference by every test.

    Parameters
    ----------
    psi_threshold, domain_threshold
        Practical thresholds of a feature's stability index and of the classifier's area under the
        curve.
    alpha
        Probability of any alarm when nothing changed.
    categories
        From `compare_category`; they share the budget of the features and take no part in the tests
        of all together.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = prepare_window(
    ...     rng.normal(size=(4000, 10)), list("abcdefghij"), n_bins=10, rng=rng
    ... )
    >>> thresholds = {"psi_threshold": 0.1, "domain_threshold": 0.6, "alpha": 0.05, "rng": rng}
    >>> compare_windows(reference, rng.normal(0.1, 1.0, size=(4000, 10)), **thresholds).state
    'significant'
    >>> compare_windows(reference, rng.normal(size=(1, 10)), **thresholds).state
    'insufficient_data'
    """
    features = compare_window(
        reference.by_feature,
        current,
        psi_threshold=psi_threshold,
        alpha=FEATURE_SHARE * alpha,
        categories=categories,
    )
    domain = domain_classifier(reference.scores, current, rng=rng)
    reconstruction = reconstruction_error(reference.scores, current)
    tests = [test for test in (domain, reconstruction) if test is not None]
    states = {drift.state for drift in features}
    state: State = "stable"
    if min(reference.by_feature.n_rows, len(current)) < MINIMUM_ROWS or states == {
        "insufficient_data"
    }:
        state = "insufficient_data"
    elif "material" in states or (
        domain and _is_significant(domain, alpha) and domain.effect.ci_high >= domain_threshold
    ):
        state = "material"
    elif "significant" in states or any(_is_significant(test, alpha) for test in tests):
        state = "significant"
    return WindowDrift(state, tuple(features), domain, reconstruction)


def alarms(
    reference: PreparedWindow, current: np.ndarray, *, alpha: float, rng: np.random.Generator
) -> dict[str, bool]:
    """Which families of tests are significant on a window:
    the tests of `compare_windows` without the effect sizes.
    """
    adjusted = benjamini_hochberg(feature_p_values(reference.by_feature, current))
    domain = domain_classifier(reference.scores, current, rng=rng)
    reconstruction = reconstruction_error(reference.scores, current)
    return {
        "features": bool(np.any(adjusted <= FEATURE_SHARE * alpha)),
        "domain": domain is not None and _is_significant(domain, alpha),
        "reconstruction": reconstruction is not None and _is_significant(reconstruction, alpha),
    }


def _is_significant(test: WindowTest, alpha: float) -> bool:
    return test.p_value <= WINDOW_SHARE * alpha
