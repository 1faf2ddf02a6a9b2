"""Two windows as a whole: can a classifier tell their
rows apart, and does the reference's structure still fit?

Both work on normal scores: each feature is mapped by the reference's quantiles to a standard normal
one, so a heavy tail weighs no more than its rank. A missing value scores 0 and has a column of its
own that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.two_sample.binned import MINIMUM_ROWS, NORMAL_QUANTILE
from fraud_core.evaluation.bootstrap import Estimate

N_KNOTS = 129
FOLDS = 5
SCORED_FOR_EACH = 10
RIDGE = 1e-3
# Of rows: their number, the sum of their terms and the sum of the terms' products.
Moments = tuple[float, np.ndarray, np.ndarray]
EXPLAINED = 0.8


@dataclass(frozen=True)
class WindowTest:
    """An effect with its 95% interval, and the p-value of no effect.

    Attributes
    ----------
    effect
        Domain classifier: area under the ROC curve, 0.5 when the windows cannot be distinguished.
        Reconstruction: relative change of the mean squared error, 0 when nothing changed.
    p_value
        One-sided: windows that are better distinguished than by chance, rows that fit the structure
        worse.
    """

    effect: Estimate
    p_value: float


@dataclass(frozen=True)
class PreparedScores:
    """Normal scores of a reference with what every comparison needs of them.

    Attributes
    ----------
    knots
        For each feature, values and normal scores between which is interpolated.
    with_missing
        Features that have a column for missing values.
    folds
        The rows of each fold, shapes (n_fold, n_terms), float32: scores, their squares less 1, and
        missing columns.
    moments
        Moments of each fold: number, sum and cross products of the terms.
    residual
        Shape (n_features, n_features), projection on what the leading components leave.
    error
        Shape (n / 2,), squared reconstruction error of the rows that the components were not fitted
        on; empty with too few rows.
    """

    knots: tuple[tuple[np.ndarray, np.ndarray], ...]
    with_missing: np.ndarray
    folds: tuple[np.ndarray, ...]
    moments: tuple[tuple[float, np.ndarray, np.ndarray], ...]
    residual: np.ndarray
    error: np.ndarray


def prepare_scores(
    rows: np.ndarray, *, rng: np.random.Generator, with_missing: Sequence[int] = ()
) -> PreparedScores:
    """Fit the normal scores and the principal components of a reference of shape (n, n_features).

    Parameters
    ----------
    rng
        Deals the rows into folds.
    with_missing
        Features that can be missing in the current window although they never are in the reference.

    Notes
    -----
    The components that hold 80% of the variance of the scores are kept; the rest is the
    reconstruction error. They are fitted on one half of the rows and the error is measured on the
    other: on its own rows it would be too small. With fewer than 200 rows nothing is fitted, and
    every comparison has insufficient data.
    """
    knots = _knots(rows)
    missing = np.union1d(
        np.flatnonzero(np.isnan(rows).any(axis=0)), np.asarray(with_missing, dtype=int)
    ).astype(int)
    terms = _terms(rows, knots, missing)
    scores = terms[rng.permutation(len(terms)), : rows.shape[1]]
    residual, error = (
        _structure(scores.astype(np.float64))
        if len(scores) >= MINIMUM_ROWS
        else _insufficient(scores)
    )
    folds = _deal(terms, rng)
    return PreparedScores(knots, missing, folds, _moments(folds), residual, error)


def domain_classifier(
    reference: PreparedScores, current: np.ndarray, *, rng: np.random.Generator
) -> WindowTest | None:
    """Cross-validated area under the curve of a discriminant
    between the windows; 0.5 means they look alike.

    Parameters
    ----------
    current
        Shape (m, n_features), NaN for missing.
    rng
        Deals the rows into five folds.

    Returns
    -------
    WindowTest or None
        None with fewer than 200 rows in a window: insufficient data.

    Notes
    -----
    Linear discriminant over the normal scores and their squares, so it sees moves and changes of
    spread, also when each is far too small for a test of one feature. The variance is twice that of
    DeLong over the held-out folds: when nothing changed each pair of folds meets twice, once in
    each role, and agrees with itself. Of a reference that is more than ten times as long as the
    window, ten rows are scored for each row of the window.

    References
    ----------
    D. Lopez-Paz and M. Oquab (2017), Revisiting classifier two-sample tests; E. DeLong et al.
    (1988).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = prepare_scores(rng.normal(size=(3000, 5)), rng=rng)
    >>> domain_classifier(reference, rng.normal(0.5, 1.0, size=(3000, 5)), rng=rng).p_value < 1e-6
    True
    """
    if min(sum(map(len, reference.folds)), len(current)) < MINIMUM_ROWS:
        return None
    terms = _terms(current, reference.knots, reference.with_missing)
    folds = _deal(terms, rng)
    moments = _moments(folds)
    value, variance = 0.0, 0.0
    for held in range(FOLDS):
        weights = _discriminant(_without(reference.moments, held), _without(moments, held))
        scored = reference.folds[held][: SCORED_FOR_EACH * len(folds[held])]
        area, spread = _area(scored @ weights, folds[held] @ weights)
        value, variance = value + area / FOLDS, variance + 2 * spread / FOLDS**2
    deviation = float(np.sqrt(variance))
    reach = NORMAL_QUANTILE * deviation
    return WindowTest(
        Estimate(value, max(0.0, value - reach), min(1.0, value + reach)),
        _normal_tail(value - 0.5, deviation),
    )


def reconstruction_error(reference: PreparedScores, current: np.ndarray) -> WindowTest | None:
    """Relative change of the error that the reference's
    principal components leave; 0 means the structure fits.

    Returns
    -------
    WindowTest or None
        None with fewer than 200 rows in a window.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> line = rng.normal(size=(2000, 1))
    >>> reference = prepare_scores(np.hstack([line, line + rng.normal(0, 0.1, (2000, 1))]), rng=rng)
    >>> reconstruction_error(reference, rng.normal(size=(2000, 2))).effect.ci_low > 1
    True
    """
    if min(sum(map(len, reference.folds)), len(current)) < MINIMUM_ROWS:
        return None
    scores = _terms(current, reference.knots, reference.with_missing)[:, : current.shape[1]]
    before, after = reference.error, _errors(scores, reference.residual)
    mean = float(before.mean())
    if mean <= 0:
        return WindowTest(Estimate(0.0, 0.0, 0.0), 1.0) if after.mean() <= 0 else None
    change = float(after.mean()) / mean - 1
    deviation = float(np.sqrt(before.var() / len(before) + after.var() / len(after))) / mean
    reach = NORMAL_QUANTILE * deviation
    return WindowTest(
        Estimate(change, change - reach, change + reach), _normal_tail(change, deviation)
    )


def discriminant_terms(reference: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Normal scores by the reference and their squares less
    1, shape (n, 2 · n_features), of rows without gaps.
    """
    return _terms(rows, _knots(reference), np.empty(0, dtype=int))


def normal_scores(reference: PreparedScores, rows: np.ndarray) -> np.ndarray:
    """Normal scores by a prepared reference, shape (n, n_features)."""
    return _terms(rows, reference.knots, reference.with_missing)[:, : rows.shape[1]]


def _structure(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the leading components of the first half of the
    rows leave, as a projection, and its error on the rest.
    """
    half = len(scores) // 2
    variance, axes = np.linalg.eigh(np.atleast_2d(np.cov(scores[:half].T)))
    share = np.cumsum(variance[::-1]) / max(variance.sum(), 1e-300)
    left = axes[:, ::-1][:, np.searchsorted(share, EXPLAINED) + 1 :]
    residual = (left @ left.T).astype(np.float32)
    return residual, _errors(scores[half:].astype(np.float32), residual)


def _insufficient(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((scores.shape[1], scores.shape[1]), np.float32), np.zeros(0)


def _knots(rows: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    from scipy.special import ndtri

    probability = (np.arange(N_KNOTS) + 0.5) / N_KNOTS
    knots = []
    for column in np.asarray(rows, dtype=np.float64).T:
        values = column[~np.isnan(column)]
        cuts = np.quantile(values, probability) if len(values) else np.zeros(1)
        cuts, place = np.unique(cuts, return_inverse=True)
        middle = (
            np.bincount(place, weights=probability) / np.bincount(place)
            if len(values)
            else np.array([0.5])
        )
        knots.append((cuts, ndtri(middle)))
    return tuple(knots)


def _terms(rows: np.ndarray, knots: tuple, missing: np.ndarray) -> np.ndarray:
    n, d = rows.shape
    out = np.empty((n, 2 * d + len(missing)), dtype=np.float32)
    for k, (cuts, scores) in enumerate(knots):
        out[:, k] = np.interp(rows[:, k], cuts, scores)
    absent = np.isnan(rows[:, missing])
    if absent.any() or np.isnan(out[:, :d]).any():
        out[:, :d][np.isnan(rows)] = 0.0
    np.square(out[:, :d], out=out[:, d : 2 * d])
    out[:, d : 2 * d] -= 1
    out[:, 2 * d :] = absent
    return out


def _deal(terms: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    return tuple(terms[part] for part in np.array_split(rng.permutation(len(terms)), FOLDS))


def _moments(folds: Sequence[np.ndarray]) -> tuple[Moments, ...]:
    return tuple(
        (len(f), f.sum(axis=0, dtype=np.float64), (f.T @ f).astype(np.float64)) for f in folds
    )


def _without(moments: Sequence[Moments], held: int) -> Moments:
    kept = [part for k, part in enumerate(moments) if k != held]
    nothing = np.zeros(())
    return (
        sum(p[0] for p in kept),
        sum((p[1] for p in kept), nothing),
        sum((p[2] for p in kept), nothing),
    )


def _discriminant(before: Moments, after: Moments) -> np.ndarray:
    (n, sum_n, cross_n), (m, sum_m, cross_m) = before, after
    mean_n, mean_m = sum_n / n, sum_m / m
    within = (cross_n - n * np.outer(mean_n, mean_n) + cross_m - m * np.outer(mean_m, mean_m)) / (
        n + m
    )
    within += RIDGE * max(float(np.trace(within)) / len(within), 1e-12) * np.eye(len(within))
    return np.linalg.solve(within, mean_m - mean_n).astype(np.float32)


def _area(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Area under the curve with DeLong's variance; ties count half."""
    before, after = np.sort(before), np.sort(after)
    below = (before.searchsorted(after, "left") + before.searchsorted(after, "right")) / (
        2 * len(before)
    )
    above = 1 - (after.searchsorted(before, "left") + after.searchsorted(before, "right")) / (
        2 * len(after)
    )
    return float(below.mean()), float(below.var() / len(after) + above.var() / len(before))


def _errors(scores: np.ndarray, residual: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", scores @ residual, scores, dtype=np.float64)


def _normal_tail(value: float, deviation: float) -> float:
    from scipy.special import ndtr

    if deviation == 0:
        return 1.0 if value == 0 else float(value < 0)
    return float(ndtr(-value / deviation))
