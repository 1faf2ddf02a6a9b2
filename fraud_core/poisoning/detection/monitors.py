"""Who would have seen an attack: a prevalence chart,
a monitor that reviews labels again, and canaries.

The probabilities are simulated at a stated false-alarm rate. They depend on counts alone, not on a
model.
"""

from dataclasses import dataclass

import numpy as np

from fraud_core.errors import ParameterError


@dataclass(frozen=True)
class Detectability:
    """Probability, in [0, 1], that each monitor
    notices an attack; `either` that at least one does.
    """

    prevalence_chart: float
    label_monitor: float
    either: float


def detectability(
    y_true: np.ndarray,
    y_observed: np.ndarray,
    *,
    false_alarm_rate: float,
    n_reviewed: int,
    honest_error_rate: float,
    n_simulations: int,
    rng: np.random.Generator,
) -> Detectability:
    """Simulate both monitors on one label batch.

    Parameters
    ----------
    y_true, y_observed
        Shape (n_samples,), labels before and after the attack.
    false_alarm_rate
        Of each monitor on a clean batch, in (0, 1).
    n_reviewed
        Labels that are reviewed again by someone trusted, half of them fraud labels as far as there
        are so many.
    honest_error_rate
        Share of labels that reviewers get wrong without any attack, in [0, 1).
    n_simulations
        Simulated batches.
    rng
        Source of the simulation.

    Notes
    -----
    The chart's limits are quantiles of simulated counts of a clean batch: Poisson around a mean
    that itself varies from day to day by a tenth (gamma), so that the chart is not sharper than
    life.

    Examples
    --------
    >>> y = np.array([0] * 9000 + [1] * 100)
    >>> seen = y.copy()
    >>> seen[:2000] = 1
    >>> settings = dict(
    ...     false_alarm_rate=0.01, n_reviewed=100, honest_error_rate=0.01, n_simulations=500
    ... )
    >>> detectability(y, seen, **settings, rng=np.random.default_rng(0)).prevalence_chart
    1.0
    """
    for name, value in (
        ("false_alarm_rate", false_alarm_rate),
        ("honest_error_rate", honest_error_rate),
    ):
        if not 0 <= value < 1:
            raise ParameterError(f"{name}: expected a share in [0, 1), got {value}")
    chart = _chart(
        int(y_true.sum()),
        int(y_observed.sum()) - int(y_true.sum()),
        false_alarm_rate,
        n_simulations,
        rng,
    )
    monitor = _monitor(
        y_true, y_observed, false_alarm_rate, n_reviewed, honest_error_rate, n_simulations, rng
    )
    return Detectability(
        float(chart.mean()), float(monitor.mean()), float((chart | monitor).mean())
    )


def _chart(
    n_frauds: int, change: int, alpha: float, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Whether a two-sided chart of the day's fraud labels signals, in each simulated batch."""
    low, high = np.quantile(_day(n_frauds, 20 * n, rng), [alpha / 2, 1 - alpha / 2])
    count = _day(n_frauds, n, rng) + change
    return (count < low) | (count > high)


def _day(mean: int, n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(mean * rng.gamma(100.0, 0.01, n))


def _monitor(
    y_true: np.ndarray,
    y_observed: np.ndarray,
    alpha: float,
    n_reviewed: int,
    error: float,
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whether more of the labels reviewed again are wrong than a clean batch explains."""
    called_fraud, called_legitimate = y_observed == 1, y_observed == 0
    n_fraud = min(n_reviewed // 2, int(called_fraud.sum()))
    n_legitimate = min(n_reviewed - n_fraud, int(called_legitimate.sum()))

    def wrong(n_wrong: int, n_all: int, drawn: int, size: int) -> np.ndarray:
        return (
            rng.hypergeometric(n_wrong, n_all - n_wrong, drawn, size)
            if drawn
            else np.zeros(size, dtype=int)
        )

    clean = rng.binomial(n_fraud + n_legitimate, error, 20 * n)
    limit = np.quantile(clean, 1 - alpha)
    false, hidden = (
        int(np.sum(called_fraud & (y_true == 0))),
        int(np.sum(called_legitimate & (y_true == 1))),
    )
    found = wrong(false, int(called_fraud.sum()), n_fraud, n)
    found = found + wrong(hidden, int(called_legitimate.sum()), n_legitimate, n)
    return found + rng.binomial(n_fraud + n_legitimate - found, error) > limit


def canary_power(n_canaries: int, n_frauds: int, hidden_share: float) -> float:
    """Probability that an attack which hides a share of
    the frauds flips at least one canary; closed form.

    Canaries are rows of known truth, placed among the frauds of a label batch. The attacker cannot
    tell them apart, so the flipped ones are a hypergeometric draw.

    Parameters
    ----------
    n_canaries
        Canaries among the frauds.
    n_frauds
        Frauds without the canaries.
    hidden_share
        Share of the fraud labels that the attack hides, in [0, 1].

    Examples
    --------
    >>> round(canary_power(20, 492, 0.1), 2)
    0.88
    """
    from scipy.stats import hypergeom

    if not 0 <= hidden_share <= 1 or n_canaries < 0:
        raise ParameterError(
            f"canaries: expected a share in [0, 1] and a count, got {hidden_share} and {n_canaries}"
        )
    total = n_frauds + n_canaries
    return float(1 - hypergeom.pmf(0, total, n_canaries, round(hidden_share * total)))


def smallest_pocket(flip_rate: float) -> float:
    """Frauds that a cluster needs to be learnt under flips: m* = 25 e (1 − e) / (1 − 2e)².

    The difference between a pure cluster of m frauds and its surroundings is then five standard
    deviations of the number of fraud labels in it.

    Examples
    --------
    >>> round(smallest_pocket(0.2), 1), round(smallest_pocket(0.4))
    (11.1, 150)
    """
    if not 0 <= flip_rate < 0.5:
        raise ParameterError(
            f"flip_rate: expected a share in [0, 0.5), got {flip_rate}; at one half nothing is left"
        )
    return 25 * flip_rate * (1 - flip_rate) / (1 - 2 * flip_rate) ** 2
