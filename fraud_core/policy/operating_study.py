"""The decisions of a candidate on the holdout: three
operating points, and the policy under other assumptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.policy.actions import DecisionPolicy, actions, realised_cost_eur
from fraud_core.policy.operating_points import (
    AS_SERVED,
    BLOCK,
    OperatingResult,
    operate,
    ways_to_decide,
)
from fraud_core.policy.selection import Judged, paired_total, policy_regret

WAYS = {
    "threshold": "review from the threshold on",
    "budget": "review the alert budget",
    "policy": "the policy that is served",
}


@dataclass(frozen=True)
class OperatingStudy:
    """What decisions do on rows whose truth is known.

    Attributes
    ----------
    points
        By way to decide: ``threshold``, ``budget``, ``policy``.
    assumed
        The policy under other assumptions, by what was changed.
    figures
        Numbers for metrics.json, under ``policy.`` and ``operating.``.
    """

    points: dict[str, OperatingResult]
    assumed: dict[str, OperatingResult]
    figures: dict[str, Any]

    @property
    def point_rows(self) -> list[dict[str, Any]]:
        """The operating points as rows of a table."""
        return [
            {"way to decide": WAYS[name]} | _counts(point) for name, point in self.points.items()
        ]

    @property
    def assumption_rows(self) -> list[dict[str, Any]]:
        """The policy under each assumption as rows of a table, the one that is served first."""
        ordered = sorted(self.assumed, key=lambda words: words != AS_SERVED)
        return [{"assumption": words} | _counts(self.assumed[words]) for words in ordered]


def operating_study(
    rows: Judged,
    policy: DecisionPolicy,
    others: Mapping[str, DecisionPolicy],
    *,
    threshold: float,
    n_alerts: int,
    n_replicates: int,
    seed: int,
) -> OperatingStudy:
    """Count what each way to decide did, and what the
    policy would have done under other assumptions.

    Parameters
    ----------
    rows
        The holdout with the probabilities of the candidate.
    policy, others
        The policy that is served, and those under other assumptions; the cost of each is counted in
        its own terms.
    threshold, n_alerts
        Of the candidate, and the alert budget in rows.
    n_replicates, seed
        Of the bootstrap of the costs.

    Examples
    --------
    >>> from fraud_core.policy.actions import PolicySettings
    >>> rows = Judged(np.array([1, 0]), np.array([0.9, 0.1]), np.array([90.0, 80.0]), 1.0)
    >>> policy = DecisionPolicy("expected_loss", PolicySettings(1.0, 0.1, 0.0, 9.0, 0.5), 5.0, 0.0)
    >>> study = operating_study(
    ...     rows, policy, {"as served": policy}, threshold=0.5, n_alerts=1, n_replicates=5, seed=0
    ... )
    >>> study.points["threshold"].alerts, study.assumed["as served"].blocks
    (1, 1)
    """
    drawn = {"n_replicates": n_replicates, "rng": np.random.default_rng(seed)}
    ways = ways_to_decide(rows, policy, threshold=threshold, n_alerts=n_alerts)
    points = {name: operate(taken, rows, policy, **drawn) for name, taken in ways.items()}
    assumed = {
        words: operate(
            actions(other, rows.probability, rows.amount_eur, threshold), rows, other, **drawn
        )
        for words, other in others.items()
    }
    cost = {
        name: realised_cost_eur(policy, rows.y_true, taken, rows.amount_eur)
        for name, taken in ways.items()
    }
    regret = policy_regret(policy, rows, threshold)
    figures: dict[str, Any] = {
        "policy.cost_eur": regret.cost_eur,
        "policy.oracle_eur": regret.oracle_eur,
        "policy.regret_eur": regret.regret_eur,
        "policy.saving_over_threshold_eur": paired_total(
            cost["threshold"] - cost["policy"], **drawn
        ),
        "policy.friction_eur": policy.settings.friction_eur,
        "policy.least_blocked_probability": float(
            np.min(rows.probability[ways["policy"] == BLOCK], initial=1.0)
        ),
    }
    for name, point in points.items():
        figures |= point.figures(f"operating.{name}")
    return OperatingStudy(points, assumed, figures)


def _counts(point: OperatingResult) -> dict[str, Any]:
    return {
        "reviews": point.reviews,
        "blocks": point.blocks,
        "frauds alerted": point.frauds_alerted,
        "of their euros": point.frauds_alerted_eur,
        "honest reviewed": point.honest_reviewed,
        "honest blocked": point.honest_blocked,
        "their euros": point.honest_blocked_eur,
        "cost, euros": point.cost_eur,
    }
