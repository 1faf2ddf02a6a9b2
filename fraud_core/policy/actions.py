"""The decision policy: of approve, review and block, the action of least expected loss in euros.

    approve   p · loss_share · amount                                    it may be a fraud
    review    review_cost + review_miss_share · p · loss_share · amount  an analyst may miss it
    block     (1 − p) · (friction_eur + friction_share · amount)         a customer is turned away

A policy that may not block without a review chooses between the first two only.

A review also has a shadow price, so that no more payments a day are reviewed than analysts can
take: the Lagrange multiplier of that constraint, chosen on the validation hours. It is part of the
choice and no part of the expected loss.
"""

from typing import Annotated, Any, Literal

import msgspec
import numpy as np

Action = Literal["approve", "review", "block"]
ACTIONS: tuple[Action, ...] = ("approve", "review", "block")
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Euros = Annotated[float, msgspec.Meta(ge=0.0)]


class PolicySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy is chosen from.

    Attributes
    ----------
    loss_share
        Share of the amount of an approved fraud that is lost.
    friction_share
        Share of the amount of a blocked legitimate payment that is lost: margin, calls, customers
        who leave.
    review_miss_share
        Share of frauds that a review lets through.
    review_capacity_per_day
        Payments that can be reviewed in a day.
    abstain_margin
        The policy abstains when a feature lies outside the range of the training rows widened on
        both sides by this many times its width.
    friction_eur
        Fixed cost of a wrongly blocked customer, in euros: the call, and the customers who leave.
        Bundles made before it existed blocked as if it were 0, and are read so.
    block_without_review
        Whether a payment may be blocked before an analyst has looked at it.
    """

    loss_share: Share
    friction_share: Share
    review_miss_share: Share
    review_capacity_per_day: Annotated[float, msgspec.Meta(gt=0.0)]
    abstain_margin: Annotated[float, msgspec.Meta(ge=0.0)]
    friction_eur: Euros = 0.0
    block_without_review: bool = True


class DecisionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as the bundle carries it.

    Attributes
    ----------
    rule
        ``expected_loss``: the action of least expected loss; ``threshold``: review at the threshold
        or above it.
    settings
        What it was chosen from.
    review_cost_eur
        Cost of a review, in euros.
    review_price_eur
        Shadow price of a review, added to its cost in the choice so that reviews keep to the
        capacity; 0 when they do anyway.
    """

    rule: Literal["expected_loss", "threshold"]
    settings: PolicySettings
    review_cost_eur: Euros
    review_price_eur: Euros


def expected_losses(
    policy: DecisionPolicy, probability: Any, amount_eur: Any
) -> tuple[Any, Any, Any]:
    """Expected loss of approve, review and block, in euros.

    Parameters
    ----------
    probability, amount_eur
        Two numbers, or two arrays of shape (n_samples,).

    Examples
    --------
    >>> settings = PolicySettings(1.0, 0.1, 0.2, 280.0, 0.5)
    >>> expected_losses(DecisionPolicy("expected_loss", settings, 5.0, 0.0), 0.5, 100.0)
    (50.0, 15.0, 5.0)
    """
    settings = policy.settings
    fraud = probability * (settings.loss_share * amount_eur)
    review = policy.review_cost_eur + settings.review_miss_share * fraud
    return (
        fraud,
        review,
        (1.0 - probability) * (settings.friction_eur + settings.friction_share * amount_eur),
    )


def action(
    policy: DecisionPolicy, losses: tuple[float, float, float], probability: float, threshold: float
) -> Action:
    """The action that a policy takes; among equal ones the milder.

    Parameters
    ----------
    losses
        As `expected_losses` gives them.
    threshold
        Used by the rule ``threshold`` only.

    Examples
    --------
    >>> policy = DecisionPolicy(
    ...     "expected_loss", PolicySettings(1.0, 0.1, 0.2, 280.0, 0.5), 5.0, 0.0
    ... )
    >>> action(policy, (50.0, 15.0, 5.0), 0.5, 0.9)
    'block'
    """
    if policy.rule == "threshold":
        return "review" if probability >= threshold else "approve"
    approve, review, block = losses
    review += policy.review_price_eur
    if not policy.settings.block_without_review:
        return "approve" if approve <= review else "review"
    if approve <= review and approve <= block:
        return "approve"
    return "review" if review <= block else "block"


class DecisionThresholds(msgspec.Struct, frozen=True):
    """Probabilities from which one amount is reviewed
    and blocked; None where an action is never the best.
    """

    review: float | None
    block: float | None


def decision_thresholds(
    policy: DecisionPolicy, amount_eur: float, threshold: float
) -> DecisionThresholds:
    """The probabilities at which the decision on an amount changes.

    Parameters
    ----------
    amount_eur
        In euros.
    threshold
        Used by the rule ``threshold`` only.

    Examples
    --------
    >>> policy = DecisionPolicy(
    ...     "expected_loss", PolicySettings(1.0, 0.1, 0.0, 280.0, 0.5), 5.0, 0.0
    ... )
    >>> decision_thresholds(policy, 100.0, 0.5)
    DecisionThresholds(review=0.05, block=0.5)
    >>> decision_thresholds(policy, 10.0, 0.5)
    DecisionThresholds(review=None, block=0.09090909090909091)
    """
    if policy.rule == "threshold":
        return DecisionThresholds(threshold, None)
    settings = policy.settings
    loss = settings.loss_share * amount_eur
    friction = settings.friction_eur + settings.friction_share * amount_eur
    review = policy.review_cost_eur + policy.review_price_eur
    kept, missed = loss * (1.0 - settings.review_miss_share), loss * settings.review_miss_share
    review_from = review / kept if kept > 0 else float("inf")
    if not settings.block_without_review:
        return DecisionThresholds(review_from if review_from <= 1.0 else None, None)
    block_from = (
        (friction - review) / (missed + friction) if missed + friction > 0 else float("inf")
    )
    if review_from < block_from:
        return DecisionThresholds(review_from, block_from if block_from <= 1.0 else None)
    return DecisionThresholds(None, friction / (loss + friction) if loss > 0 else None)


def actions(
    policy: DecisionPolicy,
    probability: np.ndarray,
    amount_eur: float | np.ndarray,
    threshold: float,
) -> np.ndarray:
    """The action for each row as its place in `ACTIONS`,
    shape (n_samples,); the same rule as `action`.

    Examples
    --------
    >>> policy = DecisionPolicy(
    ...     "expected_loss", PolicySettings(1.0, 0.1, 0.2, 280.0, 0.5), 5.0, 0.0
    ... )
    >>> actions(policy, np.array([0.001, 0.05, 0.9]), np.array([100.0, 900.0, 100.0]), 0.5)
    array([0, 1, 2])
    """
    if policy.rule == "threshold":
        return (probability >= threshold).astype(np.intp)
    approve, review, block = expected_losses(policy, probability, amount_eur)
    allowed = [approve, review + policy.review_price_eur]
    return np.argmin([*allowed, block] if policy.settings.block_without_review else allowed, axis=0)


def realised_cost_eur(
    policy: DecisionPolicy, y_true: np.ndarray, action_taken: np.ndarray, amount_eur: np.ndarray
) -> np.ndarray:
    """What each decision cost once the truth is known, in euros, shape (n_samples,).

    Parameters
    ----------
    y_true
        Shape (n_samples,), 0 or 1.
    action_taken
        Shape (n_samples,), places in `ACTIONS`.

    Examples
    --------
    >>> policy = DecisionPolicy(
    ...     "expected_loss", PolicySettings(1.0, 0.1, 0.2, 280.0, 0.5), 5.0, 0.0
    ... )
    >>> realised_cost_eur(
    ...     policy, np.array([1, 1, 0]), np.array([0, 1, 2]), np.array([100.0, 100.0, 100.0])
    ... )
    array([100.,  25.,  10.])
    """
    approve, review, block = expected_losses(policy, y_true.astype(np.float64), amount_eur)
    return np.choose(action_taken, [approve, review, block])
