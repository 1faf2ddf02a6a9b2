"""From a probability to a decision: the operating threshold."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it did on the rows it was chosen on.

    Attributes
    ----------
    threshold
        Alert when the probability is at least this.
    expected_cost_eur
        Missed amounts plus reviews on those rows, in euros.
    alert_share
        Share of those rows that are alerted.
    """

    threshold: float
    expected_cost_eur: float
    alert_share: float


def choose_threshold(
    y_true: np.ndarray,
    y_score: np.ndarray,
    amount_eur: np.ndarray,
    *,
    review_cost_eur: float,
    alert_budget: float,
) -> OperatingPoint:
    """The threshold of least expected cost among those that stay within the alert budget.

    Parameters
    ----------
    y_true, y_score, amount_eur
        Shape (n_samples,), rows of the validation hours, never of the holdout.
    review_cost_eur
        Cost of a review, in euros.
    alert_budget
        Largest share of rows that may be alerted, in (0, 1].

    Notes
    -----
    Candidates are the distinct scores. The threshold lies half way, in log-odds, between the last
    alerted score and the next one below, so that a tie with either is not decided by rounding.

    Examples
    --------
    >>> y, p, eur = (
    ...     np.array([1, 0, 0, 0]),
    ...     np.array([0.8, 0.5, 0.2, 0.1]),
    ...     np.array([90.0, 1.0, 1.0, 1.0]),
    ... )
    >>> choose_threshold(y, p, eur, review_cost_eur=5.0, alert_budget=0.5).alert_share
    0.25
    """
    order = np.argsort(-y_score, kind="stable")
    score = y_score[order]
    caught_eur = np.cumsum(np.where(y_true == 1, amount_eur, 0.0)[order])
    n_alerts = np.arange(1, len(score) + 1)
    cost = caught_eur[-1] - caught_eur + review_cost_eur * n_alerts
    end_of_tie = np.append(np.diff(score) < 0, True)
    allowed = end_of_tie & (n_alerts <= max(1, int(alert_budget * len(score))))
    if not allowed.any():
        raise ValueError(
            f"no threshold stays within the alert budget of {alert_budget:g}: the "
            f"{int(np.argmax(end_of_tie)) + 1} "
            "highest scores are equal; the model does not rank"
        )
    best = int(np.flatnonzero(allowed)[np.argmin(cost[allowed])])
    below = score[best + 1] if best + 1 < len(score) else score[best]
    return OperatingPoint(
        threshold=_between(score[best], below),
        expected_cost_eur=float(cost[best]),
        alert_share=float(n_alerts[best] / len(score)),
    )


def _between(upper: float, lower: float) -> float:
    middle = np.mean([_log_odds(upper), _log_odds(lower)])
    return float(min(upper, 1 / (1 + np.exp(-middle))))


def _log_odds(probability: float) -> float:
    clipped = np.clip(probability, 1e-15, 1 - 1e-15)
    return float(np.log(clipped / (1 - clipped)))
