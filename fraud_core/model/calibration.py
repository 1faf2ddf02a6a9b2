"""Calibration on rows that the estimator has not
seen: none, an intercept, or a slope and an intercept.

Which one an estimator gets is chosen on folds in time inside v0 (`benchmarks/calibration.py`), by
the log loss on the hours after those that it was fitted on: those rows have the base rate that a
calibration will meet.
"""

from typing import Literal, get_args

import numpy as np

from fraud_core.scoring.oblivious_trees import Calibration

ITERATIONS = 100
TOLERANCE = 1e-10
Method = Literal["none", "intercept", "platt"]
METHODS: tuple[Method, ...] = get_args(Method)


def calibrate(log_odds: np.ndarray, y_true: np.ndarray, method: Method = "platt") -> Calibration:
    """Calibrate log-odds on rows that the estimator was not fitted on.

    Parameters
    ----------
    log_odds
        Shape (n_samples,), log-odds.
    y_true
        Shape (n_samples,), 0 or 1; both present unless the method is ``none``.
    method
        ``none`` takes the log-odds as they are, ``intercept`` shifts them until they add up to the
        frauds of these rows, ``platt`` fits a slope too (`fit_calibration`).

    Raises
    ------
    ValueError
        When the method is unknown, or a class that it needs is absent.

    Examples
    --------
    >>> calibrate(np.array([-1.0, 1.0]), np.array([0, 1]), "none")
    Calibration(slope=1.0, intercept=0.0)
    """
    if method == "none":
        return Calibration(1.0, 0.0)
    if method == "intercept":
        return fit_intercept(log_odds, y_true)
    if method == "platt":
        return fit_calibration(log_odds, y_true)
    raise ValueError(f"calibration: expected one of {', '.join(METHODS)}, got {method!r}")


def fit_intercept(log_odds: np.ndarray, y_true: np.ndarray) -> Calibration:
    """The shift of log-odds under which the probabilities add up to the number of frauds.

    Raises
    ------
    ValueError
        When a class is absent.

    Examples
    --------
    >>> shifted = fit_intercept(np.array([3.0, 3.0]), np.array([0, 1]))
    >>> shifted.slope, round(shifted.intercept, 6)
    (1.0, -3.0)
    """
    _require_both(y_true)
    low, high = -np.max(log_odds) - 50.0, -np.min(log_odds) + 50.0
    for _ in range(2 * ITERATIONS):
        middle = (low + high) / 2
        if Calibration(1.0, middle).probability(log_odds).sum() < y_true.sum():
            low = middle
        else:
            high = middle
    return Calibration(1.0, float((low + high) / 2))


def _require_both(y_true: np.ndarray) -> None:
    n_frauds, n_legitimate = int(np.sum(y_true == 1)), int(np.sum(y_true == 0))
    if not n_frauds or not n_legitimate:
        raise ValueError(
            f"expected both classes to calibrate on, found {n_frauds} frauds and {n_legitimate} "
            "others"
        )


def fit_calibration(log_odds: np.ndarray, y_true: np.ndarray) -> Calibration:
    """Fit slope and intercept by Newton's method on Platt's smoothed targets.

    Parameters
    ----------
    log_odds
        Shape (n_samples,), log-odds of an estimator on rows it was not fitted on.
    y_true
        Shape (n_samples,), 0 or 1, both present.

    Returns
    -------
    Calibration
        The slope is positive when larger log-odds mean more fraud.

    Raises
    ------
    ValueError
        When a class is absent.

    References
    ----------
    J. Platt (1999), Probabilistic outputs for support vector machines; targets (N₊ + 1)/(N₊ + 2)
    and 1/(N₋ + 2).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 4000)
    >>> log_odds = rng.normal(2 * y - 1, 1.0)  # the true log-odds are 2 · log_odds
    >>> 1.8 < fit_calibration(log_odds, y).slope < 2.2
    True
    """
    _require_both(y_true)
    n_frauds, n_legitimate = int(np.sum(y_true == 1)), int(np.sum(y_true == 0))
    target = np.where(y_true == 1, (n_frauds + 1) / (n_frauds + 2), 1 / (n_legitimate + 2))
    scale = max(float(np.std(log_odds)), 1e-12)
    design = np.column_stack([log_odds / scale, np.ones_like(log_odds)])
    weights = np.array([0.0, np.log((n_frauds + 1) / (n_legitimate + 1))])
    for _ in range(ITERATIONS):
        probability = 1 / (1 + np.exp(-np.clip(design @ weights, -700, 700)))
        gradient = design.T @ (target - probability)
        curvature = (
            design * (probability * (1 - probability))[:, None]
        ).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        weights = weights + step
        if np.abs(step).max() < TOLERANCE:
            break
    return Calibration(slope=float(weights[0] / scale), intercept=float(weights[1]))
