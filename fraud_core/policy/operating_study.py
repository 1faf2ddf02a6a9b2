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
    actions_by_operating_point,
    operate,
)
from fraud_core.policy.selection import LabelledScores, paired_total, policy_regret

OPERATING_POINTS = {
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
        By operating point: ``threshold``, ``budget``, ``policy``.
    assumed
        The policy under other assumptions, by what was changed.
    metrics
        For metrics.json, under ``policy.`` and ``operating.``.
    """

    points: dict[str, OperatingResult]
    assumed: dict[str, OperatingResult]
    metrics: dict[str, Any]

    @property
    def point_rows(self) -> list[dict[str, Any]]:
        """The operating points as rows of a table."""
        return [
            {"operating point": OPERATING_POINTS[name]} | _counts(point)
            for name, point in self.points.items()
        ]

    @property
    def assumption_rows(self) -> list[dict[str, Any]]:
        """The policy under each assumption as rows of a table, the one that is served first."""
        ordered = sorted(self.assumed, key=lambda words: words != AS_SERVED)
        return [{"assumption": words} | _counts(self.assumed[words]) for words in ordered]


def operating_study(
    rows: LabelledScores,
    policy: DecisionPolicy,
    others: Mapping[str, DecisionPolicy],
    *,
    threshold: float,
    n_alerts: int,
    n_replicates: int,
    seed: int,
) -> OperatingStudy:
    """Count what each operating point did, and what the
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
    >>> rows = LabelledScores(np.array([1, 0]), np.array([0.9, 0.1]), np.array([90.0, 80.0]), 1.0)
    >>> policy = DecisionPolicy("expected_loss", PolicySettings(1.0, 0.1, 0.0, 9.0, 0.5), 5.0, 0.0)
    >>> study = operating_study(
    ...     rows, policy, {"as served": policy}, threshold=0.5, n_alerts=1, n_replicates=5, seed=0
    ... )
    >>> study.points["threshold"].alerts, study.assumed["as served"].blocks
    (1, 1)
    """
    drawn = {"n_replicates": n_replicates, "rng": np.random.default_rng(seed)}
    chosen = actions_by_operating_point(rows, policy, threshold=threshold, n_alerts=n_alerts)
    points = {name: operate(taken, rows, policy, **drawn) for name, taken in chosen.items()}
    assumed = {
        words: operate(
            actions(other, rows.probability, rows.amount_eur, threshold), rows, other, **drawn
        )
        for words, other in others.items()
    }
    cost = {
        name: realised_cost_eur(policy, rows.y_true, taken, rows.amount_eur)
        for name, taken in chosen.items()
    }
    regret = policy_regret(policy, rows, threshold)
    metrics: dict[str, Any] = {
        "policy.cost_eur": regret.cost_eur,
        "policy.oracle_eur": regret.oracle_eur,
        "policy.regret_eur": regret.regret_eur,
        "policy.saving_over_threshold_eur": paired_total(
            cost["threshold"] - cost["policy"], **drawn
        ),
        "policy.friction_eur": policy.settings.friction_eur,
        "policy.minimum_blocked_probability": float(
            np.min(rows.probability[chosen["policy"] == BLOCK], initial=1.0)
        ),
    }
    for name, point in points.items():
        metrics |= point.metrics(f"operating.{name}")
    return OperatingStudy(points, assumed, metrics)


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
