"""Selection of the decision policy on the validation hours,
and the regret of a policy against the oracle.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.policy.actions import (
    ACTIONS,
    DecisionPolicy,
    PolicySettings,
    actions,
    expected_losses,
    realised_cost_eur,
)

REVIEW = ACTIONS.index("review")
TIE_EUR = 1e-6
SHIFTS = np.linspace(-4.0, 4.0, 41)


@dataclass(frozen=True)
class LabelledScores:
    """Rows whose truth is known, as a policy sees them.

    Attributes
    ----------
    y_true, probability, amount_eur
        Shape (n_samples,).
    days
        Time that the rows cover, in days.
    """

    y_true: np.ndarray
    probability: np.ndarray
    amount_eur: np.ndarray
    days: float


@dataclass(frozen=True)
class ChosenPolicy:
    """A policy, and what it did on the rows it was chosen on.

    Attributes
    ----------
    saving_eur
        Cost of the plain threshold less cost of the expected-loss rule on those rows, paired, with
        its 95% interval.
    reviews_per_day
        Reviews of the policy on those rows.
    """

    policy: DecisionPolicy
    saving_eur: Estimate
    reviews_per_day: float


def choose_policy(
    rows: LabelledScores,
    settings: PolicySettings,
    *,
    review_cost_eur: float,
    threshold: float,
    n_replicates: int,
    rng: np.random.Generator,
) -> ChosenPolicy:
    """The rule of least expected loss within the review
    capacity, unless the plain threshold is significantly cheaper.

    Parameters
    ----------
    rows
        Validation hours, scored by a model that has not seen them.
    settings, review_cost_eur
        The costs.
    threshold
        The plain rule to beat: review at the threshold or above it, approve below.
    n_replicates, rng
        Of the paired bootstrap over rows.

    Notes
    -----
    A row is reviewed when the loss that a review avoids exceeds the shadow price, so the smallest
    price within the capacity is the largest avoided loss among the rows that are one too many.
    Price and saving are read off the same rows.

    Examples
    --------
    >>> rows = LabelledScores(
    ...     np.array([1, 0, 0]), np.array([0.4, 0.3, 0.0]), np.array([90.0, 80.0, 9.0]), 1.0
    ... )
    >>> chosen = choose_policy(
    ...     rows,
    ...     PolicySettings(1.0, 1.0, 0.0, 1.0, 0.5),
    ...     review_cost_eur=5.0,
    ...     threshold=0.2,
    ...     n_replicates=10,
    ...     rng=np.random.default_rng(0),
    ... )
    >>> round(chosen.policy.review_price_eur, 3), chosen.reviews_per_day
    (19.0, 1.0)
    """
    policy = priced(DecisionPolicy("expected_loss", settings, review_cost_eur, 0.0), rows)
    plain = msgspec.structs.replace(policy, rule="threshold", review_price_eur=0.0)
    cost = [_cost(rule, rows, threshold) for rule in (plain, policy)]
    saving = paired_total(cost[0] - cost[1], n_replicates=n_replicates, rng=rng)
    kept = plain if saving.ci_high < 0 else policy
    taken = actions(kept, rows.probability, rows.amount_eur, threshold)
    return ChosenPolicy(kept, saving, float(np.sum(taken == REVIEW) / rows.days))


def priced(policy: DecisionPolicy, rows: LabelledScores) -> DecisionPolicy:
    """The policy with the smallest shadow price that keeps these rows within the capacity."""
    approve, review, block = expected_losses(policy, rows.probability, rows.amount_eur)
    otherwise = np.minimum(approve, block) if policy.settings.block_without_review else approve
    avoided = np.sort(otherwise - review)[::-1]
    capacity = int(policy.settings.review_capacity_per_day * rows.days)
    too_many = float(avoided[capacity]) if capacity < len(avoided) else -1.0
    # a tie may go to the review, so the price lies a little above it
    return msgspec.structs.replace(
        policy, review_price_eur=too_many + TIE_EUR if too_many >= 0 else 0.0
    )


def paired_total(
    difference_eur: np.ndarray, *, n_replicates: int, rng: np.random.Generator
) -> Estimate:
    """Sum of differences over rows with its 95% bootstrap
    interval; rows of no difference are drawn as one.

    Examples
    --------
    >>> paired_total(np.zeros(5), n_replicates=10, rng=np.random.default_rng(0))
    Estimate(value=0.0, ci_low=0.0, ci_high=0.0)
    """
    n_rows, moved = len(difference_eur), difference_eur[difference_eur != 0]
    shares = np.append(np.full(len(moved), 1 / n_rows), 1 - len(moved) / n_rows)
    totals = rng.multinomial(n_rows, shares, size=n_replicates)[:, :-1] @ moved
    low, high = np.quantile(totals, [0.025, 0.975])
    return Estimate(float(moved.sum()), float(low), float(high))


@dataclass(frozen=True)
class PolicyRegret:
    """Cost of a policy, cost of the oracle,
    and the difference, at least 0, all in euros.
    """

    cost_eur: float
    oracle_eur: float
    regret_eur: float


def policy_regret(policy: DecisionPolicy, rows: LabelledScores, threshold: float) -> PolicyRegret:
    """What a policy cost on rows beyond the best policy
    of its kind, chosen with the truth of these very rows.

    Parameters
    ----------
    policy
        Chosen before these rows were seen.
    rows
        The rows to evaluate it on, the holdout for example.
    threshold
        As in `actions`.

    Notes
    -----
    The oracle takes the smallest cost over the policy itself and the expected-loss rules whose
    probabilities are shifted by −4 to 4 in log-odds, each with the shadow price that keeps these
    rows within the capacity. To know every label would cost nothing at all, so it is no yardstick.

    Examples
    --------
    >>> rows = LabelledScores(np.array([1, 0]), np.array([0.9, 0.1]), np.array([90.0, 80.0]), 1.0)
    >>> policy = DecisionPolicy("expected_loss", PolicySettings(1.0, 0.1, 0.0, 9.0, 0.5), 5.0, 0.0)
    >>> policy_regret(policy, rows, 0.5)
    PolicyRegret(cost_eur=5.0, oracle_eur=0.0, regret_eur=5.0)
    """
    cost = float(_cost(policy, rows, threshold).sum())
    costs = [cost]
    log_odds = np.log(np.clip(rows.probability, 1e-300, None)) - np.log(
        np.clip(1 - rows.probability, 1e-16, None)
    )
    for shift in SHIFTS:
        shifted = LabelledScores(
            rows.y_true, 1 / (1 + np.exp(-(log_odds + shift))), rows.amount_eur, rows.days
        )
        best = priced(msgspec.structs.replace(policy, rule="expected_loss"), shifted)
        costs.append(float(_cost(best, shifted, threshold).sum()))
    return PolicyRegret(cost, min(costs), cost - min(costs))


def _cost(policy: DecisionPolicy, rows: LabelledScores, threshold: float) -> np.ndarray:
    taken = actions(policy, rows.probability, rows.amount_eur, threshold)
    return realised_cost_eur(policy, rows.y_true, taken, rows.amount_eur)
