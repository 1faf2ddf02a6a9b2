"""Operating points: what decisions do to frauds and to honest
customers, counted on rows whose truth is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.evaluation.metrics import alerts_at_budget
from fraud_core.policy.actions import (
    ACTIONS,
    DecisionPolicy,
    PolicySettings,
    actions,
    realised_cost_eur,
)
from fraud_core.policy.selection import LabelledScores, paired_total, priced

APPROVE, REVIEW, BLOCK = (ACTIONS.index(name) for name in ("approve", "review", "block"))
AS_SERVED = "as served"  # the assumptions of the policy that is served


@dataclass(frozen=True)
class OperatingResult:
    """One operating point on a set of rows.

    Attributes
    ----------
    reviews, blocks
        Payments that are reviewed, and blocked without a review.
    frauds_alerted, frauds_alerted_eur
        Share of the frauds that are reviewed or blocked, by count with its
        Clopper–Pearson interval, and by euros.
    honest_reviewed, honest_blocked, honest_blocked_eur
        Legitimate payments that are reviewed; that are blocked, and their amounts.
    cost_eur
        What the decisions cost once the truth is known, under the costs of the policy.
    """

    reviews: int
    blocks: int
    frauds_alerted: Estimate
    frauds_alerted_eur: float
    honest_reviewed: int
    honest_blocked: int
    honest_blocked_eur: float
    cost_eur: Estimate

    @property
    def alerts(self) -> int:
        """Payments that are not approved."""
        return self.reviews + self.blocks

    def metrics(self, prefix: str) -> dict[str, Estimate | float | int]:
        """Every number under ``prefix.<name>``."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            f"{prefix}.{name}": value for name, value in (fields | {"alerts": self.alerts}).items()
        }


def operate(
    taken: np.ndarray,
    rows: LabelledScores,
    policy: DecisionPolicy,
    *,
    n_replicates: int,
    rng: np.random.Generator,
) -> OperatingResult:
    """Count what decisions did.

    Parameters
    ----------
    taken
        Shape (n_samples,), places in `ACTIONS`.
    rows
        With at least one fraud of an amount above 0.
    policy
        Whose costs are counted.
    n_replicates, rng
        Of the bootstrap of the cost.

    Examples
    --------
    >>> rows = LabelledScores(
    ...     np.array([1, 0, 0]), np.array([0.9, 0.6, 0.0]), np.array([90.0, 80.0, 9.0]), 1.0
    ... )
    >>> policy = DecisionPolicy(
    ...     "expected_loss", PolicySettings(1.0, 0.1, 0.0, 9.0, 0.5, friction_eur=20.0), 5.0, 0.0
    ... )
    >>> result = operate(
    ...     np.array([1, 2, 0]), rows, policy, n_replicates=10, rng=np.random.default_rng(0)
    ... )
    >>> result.alerts, result.honest_blocked, result.cost_eur.value
    (2, 1, 33.0)
    """
    fraud, held = rows.y_true == 1, taken != APPROVE
    wrongly_blocked = ~fraud & (taken == BLOCK)
    return OperatingResult(
        reviews=int(np.sum(taken == REVIEW)),
        blocks=int(np.sum(taken == BLOCK)),
        frauds_alerted=proportion_ci(int(np.sum(fraud & held)), int(fraud.sum())),
        frauds_alerted_eur=float(
            rows.amount_eur[fraud & held].sum() / rows.amount_eur[fraud].sum()
        ),
        honest_reviewed=int(np.sum(~fraud & (taken == REVIEW))),
        honest_blocked=int(wrongly_blocked.sum()),
        honest_blocked_eur=float(rows.amount_eur[wrongly_blocked].sum()),
        cost_eur=paired_total(
            realised_cost_eur(policy, rows.y_true, taken, rows.amount_eur),
            n_replicates=n_replicates,
            rng=rng,
        ),
    )


def actions_by_operating_point(
    rows: LabelledScores, policy: DecisionPolicy, *, threshold: float, n_alerts: int
) -> dict[str, np.ndarray]:
    """The three operating points of a model as actions: threshold, alert budget, served policy.

    Parameters
    ----------
    threshold
        Of ``/predict``: everything from it on is reviewed.
    n_alerts
        The alert budget: so many payments of highest score are reviewed.

    Examples
    --------
    >>> rows = LabelledScores(np.array([1, 0]), np.array([0.9, 0.1]), np.array([90.0, 80.0]), 1.0)
    >>> policy = DecisionPolicy("expected_loss", PolicySettings(1.0, 0.1, 0.0, 9.0, 0.5), 5.0, 0.0)
    >>> {
    ...     name: taken.tolist()
    ...     for name, taken in actions_by_operating_point(
    ...         rows, policy, threshold=0.5, n_alerts=2
    ...     ).items()
    ... }
    {'threshold': [1, 0], 'budget': [1, 1], 'policy': [2, 1]}
    """
    return {
        "threshold": np.where(rows.probability >= threshold, REVIEW, APPROVE),
        "budget": np.where(
            alerts_at_budget(rows.y_true, rows.probability, n_alerts), REVIEW, APPROVE
        ),
        "policy": actions(policy, rows.probability, rows.amount_eur, threshold),
    }


def other_assumptions(
    settings: PolicySettings, review_cost_eur: float
) -> dict[str, tuple[PolicySettings, float]]:
    """The assumptions of a policy, each changed by itself:
    settings and cost of a review, by what was changed.

    Examples
    --------
    >>> changed = other_assumptions(
    ...     PolicySettings(1.0, 0.05, 0.1, 280.0, 1.0, friction_eur=25.0), 5.0
    ... )
    >>> (
    ...     changed["fixed cost of a block doubled"][0].friction_eur,
    ...     changed["a review costs twice as much"][1],
    ... )
    (50.0, 10.0)
    """
    changes: dict[str, Mapping[str, float | bool]] = {
        AS_SERVED: {},
        "no block without a review": {"block_without_review": False},
        "no fixed cost of a block": {"friction_eur": 0.0},
        "fixed cost of a block halved": {"friction_eur": settings.friction_eur / 2},
        "fixed cost of a block doubled": {"friction_eur": settings.friction_eur * 2},
        "share of the amount lost by a block doubled": {
            "friction_share": min(1.0, settings.friction_share * 2)
        },
        "reviews miss twice as many": {
            "review_miss_share": min(1.0, settings.review_miss_share * 2)
        },
        "half of the reviewers": {"review_capacity_per_day": settings.review_capacity_per_day / 2},
    }
    assumptions = {
        words: (msgspec.structs.replace(settings, **change), review_cost_eur)
        for words, change in changes.items()
    }
    return assumptions | {"a review costs twice as much": (settings, 2 * review_cost_eur)}


def policies_under(
    rows: LabelledScores, settings: PolicySettings, review_cost_eur: float
) -> dict[str, DecisionPolicy]:
    """The policy of least expected loss under each of the `other_assumptions`, priced on the rows.

    Parameters
    ----------
    rows
        Validation hours, scored by a model that has not seen them.
    """
    return {
        words: priced(DecisionPolicy("expected_loss", changed, cost, 0.0), rows)
        for words, (changed, cost) in other_assumptions(settings, review_cost_eur).items()
    }
