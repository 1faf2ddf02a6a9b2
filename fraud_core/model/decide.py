"""From a row to a verdict: temporary, by the threshold alone and without reasons."""

from typing import Literal

import msgspec
import numpy as np

from fraud_core.model.bundle import Bundle


class ExpectedLoss(msgspec.Struct, frozen=True):
    """Expected loss of each action, in euros."""

    approve: float
    review: float
    block: float


class Reason(msgspec.Struct, frozen=True):
    """Why a score is high: the log-odds that one feature adds, its value, and the usual range of that value."""

    code: str
    feature: str
    contribution: float
    value: float
    reference: tuple[float, float]


class Verdict(msgspec.Struct, frozen=True):
    """A decision and what led to it."""

    decision: Literal["approve", "review", "block", "abstain"]
    fraud_probability: float
    expected_loss_eur: ExpectedLoss
    reasons: tuple[Reason, ...]


def decide(bundle: Bundle, features: np.ndarray, amount_eur: float) -> Verdict:
    """The verdict on one row.

    Parameters
    ----------
    features
        Shape (n_features,), in the order of ``contract.model_features``.
    amount_eur
        Amount of the payment, in euros.
    """
    probability = float(bundle.probability(features[None, :])[0])
    review = bundle.policy.review_cost_eur
    loss = ExpectedLoss(probability * amount_eur, review, (1 - probability) * review)
    decision = "review" if probability >= bundle.policy.threshold else "approve"
    return Verdict(decision, probability, loss, ())
