"""Intervals over draws of an attack and resamples of the
test rows, and ratios of such means by Fieller's theorem.

The draws of one attack at one rate share the test rows: resampling the rows moves all of them
together, so that part of the variance does not shrink with the number of draws. The variance over
draws, each with a fit of its own, does.
"""

from collections.abc import Sequence

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate


def mean_over_draws(parts: Sequence[np.ndarray], *, null_band: float = 0.0) -> Estimate:
    """Mean over the draws of an attack, with a 95%
    interval that holds the rows, the draw and the fit.

    Parameters
    ----------
    parts
        Replicates of each draw, entry 0 the value on the rows themselves.
    null_band
        Half width of what another fit may do; stands for the spread over draws where there is one
        draw only.

    Notes
    -----
    The quantiles of the resamples of all draws, about their own values, and the t interval over the
    draws of this very cell are added in quadrature. No other rate of the attack takes part.

    Examples
    --------
    >>> mean_over_draws([np.array([0.5, 0.4, 0.6])]).value
    0.5
    >>> wide = mean_over_draws([np.array([0.5, 0.5, 0.5])], null_band=0.1)
    >>> round(wide.ci_low, 3), round(wide.ci_high, 3)
    (0.4, 0.6)
    """
    from scipy.stats import t

    values = np.array([part[0] for part in parts], dtype=float)
    low, high = np.quantile(np.concatenate([part[1:] - part[0] for part in parts]), [0.025, 0.975])
    n, spread = len(values), null_band
    if n > 1:
        spread = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    mean = float(values.mean())
    return Estimate(mean, mean - float(np.hypot(low, spread)), mean + float(np.hypot(high, spread)))


def covariance_of_means(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Covariance matrix of two means over draws, shape (2, 2).

    Parameters
    ----------
    over, under
        Shape (n_draws, 1 + n_replicates), column 0 the values on the rows themselves; paired by
        position. At least two draws.

    Examples
    --------
    >>> over = np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
    >>> covariance_of_means(over, over).round(3).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    n_draws = over.shape[0]
    between = np.cov(over[:, 0], under[:, 0]) / n_draws
    within = np.mean([np.cov(a[1:], b[1:]) for a, b in zip(over, under, strict=True)], axis=0)
    return between + within


def fieller(over: np.ndarray, under: np.ndarray) -> Estimate | None:
    """Ratio of two means over draws with its 95% interval
    by Fieller's theorem; None when it has no bound.

    Parameters
    ----------
    over, under
        As in `covariance_of_means`.

    Notes
    -----
    With t draws less one degrees of freedom: few draws make a wide interval. When the mean below
    cannot be told from zero no interval of finite length covers the ratio, and there is no ratio to
    report.

    References
    ----------
    E. Fieller (1954), Some problems in interval estimation, Journal of the Royal Statistical
    Society B 16, section 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> under = 2.0 + 0.01 * rng.normal(size=(5, 200))
    >>> ratio = fieller(1.0 + 0.01 * rng.normal(size=(5, 200)), under)
    >>> round(ratio.value, 1), ratio.ci_low < 0.5 < ratio.ci_high
    (0.5, True)
    >>> fieller(under, 0.01 * rng.normal(size=(5, 200))) is None
    True
    """
    from scipy.stats import t

    n_draws = over.shape[0]
    if n_draws < 2:
        return None
    (v_over, cov), (_, v_under) = covariance_of_means(over, under)
    a, b = float(over[:, 0].mean()), float(under[:, 0].mean())
    q2 = float(t.ppf(0.975, n_draws - 1)) ** 2
    denominator = b * b - q2 * v_under
    if denominator <= 0:
        return None
    middle = a * b - q2 * cov
    inside = middle * middle - denominator * (a * a - q2 * v_over)
    half = float(np.sqrt(max(0.0, inside)))
    return Estimate(
        a / b, float((middle - half) / denominator), float((middle + half) / denominator)
    )


def non_inferior(difference: Estimate, *, margin: float) -> bool:
    """Whether a difference is at least minus the margin: the whole interval lies above it.

    Examples
    --------
    >>> (
    ...     non_inferior(Estimate(0.0, -0.005, 0.02), margin=0.01),
    ...     non_inferior(Estimate(0.01, -0.02, 0.04), margin=0.01),
    ... )
    (True, False)
    """
    return difference.ci_low > -margin
