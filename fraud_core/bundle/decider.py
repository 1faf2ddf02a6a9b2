"""From one row to a decision: probability, expected losses, action and the reasons for it."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from fraud_core.bundle.load import Bundle
from fraud_core.bundle.schema import Described
from fraud_core.policy.actions import ACTIONS, Action, action, actions, expected_losses
from fraud_core.scoring.partition_ensemble import certified_flips
from fraud_core.scoring.row_scorer import RowScorer

N_REASONS = 3
DECISIONS = (*ACTIONS, "abstain")
Code = Literal[
    "ABOVE_USUAL",
    "BELOW_USUAL",
    "USUAL_VALUE",
    "OUTSIDE_TRAINING_RANGE",
    "UNKNOWN",
    "ENTITY_UNKNOWN",
    "ENTITY_STALE",
    "EVENT_LATE",
]


class ExpectedLoss(msgspec.Struct, frozen=True):
    """Expected loss of each action, in euros."""

    approve: float
    review: float
    block: float


class Reason(msgspec.Struct, frozen=True):
    """What one feature adds to the score.

    Attributes
    ----------
    code
        Where the value lies in the training rows; ``UNKNOWN`` when the feature had one value there,
        or has none here. The last three say why the features of an entity cannot be relied on.
    contribution
        Log-odds before calibration; above 0 towards fraud.
    reference
        5% and 95% quantile of the training rows.
    value
        None where the feature says nothing, since nothing is known.
    """

    code: Code
    feature: str
    contribution: float
    value: float | None
    reference: tuple[float, float]


class Verdict(msgspec.Struct, frozen=True):
    """A decision and what led to it.

    Attributes
    ----------
    decision
        ``abstain`` when a feature lies so far outside the training rows that the model says nothing
        about it.
    fraud_probability
        Calibrated, in [0, 1].
    reasons
        For an alarm the features that raise the score most, for an approval those that lower it
        most, for an abstention the features outside; at most three.
    """

    decision: Action | Literal["abstain"]
    fraud_probability: float
    expected_loss_eur: ExpectedLoss
    reasons: tuple[Reason, ...]


class Vote(msgspec.Struct, frozen=True):
    """What the parts of the certificate vote on a row.

    Attributes
    ----------
    fraud
        Whether most of them vote fraud; the decision is the model's and not theirs.
    flips
        Labels of the training data that an attacker could have flipped without turning this vote,
        whichever they are.
    """

    fraud: bool
    flips: int


@dataclass(frozen=True)
class _Usual:
    """The reference of all features, as lists for one row and arrays for all features at once."""

    low: list[float]
    high: list[float]
    least: np.ndarray
    most: np.ndarray


class Decider:
    """Decides on single rows by one bundle; everything
    that does not depend on the row is worked out once.

    Parameters
    ----------
    bundle
        A verified bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._features = bundle.contract.model_features
        self._scorer = RowScorer(
            bundle.trees, bundle.model.tables, bundle.calibration, len(self._features)
        )
        self._policy, self._threshold = bundle.policy.actions, bundle.policy.threshold
        self._votes = bundle.model.votes
        described = [bundle.reference.features[name] for name in self._features]
        self._usual = _usual(described, self._policy.settings.abstain_margin)
        self.probability = self._scorer.probability

    def decide(self, values: np.ndarray, amount_eur: float) -> Verdict:
        """The verdict on one row.

        Parameters
        ----------
        values
            Shape (n_features,), in the order of ``contract.model_features``.
        amount_eur
            Amount of the payment, in euros.
        """
        probability, contribution = self._scorer.explain(values)
        losses = expected_losses(self._policy, probability, amount_eur)
        outside = (values < self._usual.least) | (values > self._usual.most)
        taken: Action | Literal["abstain"]
        if outside.any():
            taken, chosen = "abstain", np.flatnonzero(outside)[:N_REASONS].tolist()
        else:
            taken = action(self._policy, losses, probability, self._threshold)
            ranked = np.argsort(contribution if taken == "approve" else -contribution)[
                :N_REASONS
            ].tolist()
            wanted = -1.0 if taken == "approve" else 1.0
            chosen = [k for k in ranked if contribution[k] * wanted > 0]
        reasons = tuple(
            [self._reason(k, float(values[k]), float(contribution[k]), taken) for k in chosen]
        )
        return Verdict(taken, probability, ExpectedLoss(*losses), reasons)

    def decisions(
        self, values: np.ndarray, probability: np.ndarray, amount_eur: np.ndarray
    ) -> np.ndarray:
        """The decision on each of many rows, the same as `decide` takes.

        Parameters
        ----------
        values
            Shape (n_samples, n_features).
        probability, amount_eur
            Shape (n_samples,), calibrated, and in euros.

        Returns
        -------
        numpy.ndarray
            Shape (n_samples,), places in `DECISIONS`.
        """
        taken = actions(self._policy, probability, amount_eur, self._threshold)
        outside = (values < self._usual.least) | (values > self._usual.most)
        return np.where(outside.any(axis=1), DECISIONS.index("abstain"), taken)

    def vote(self, values: np.ndarray) -> Vote:
        """The vote of the certificate's parts on one row, shape (n_features,)."""
        k, count = len(self._votes.limits), int(self._votes.votes(values[None, :])[0])
        return Vote(2 * count > k, int(certified_flips(np.array(count), k)))

    def _reason(self, k: int, value: float, contribution: float, taken: str) -> Reason:
        low, high = self._usual.low[k], self._usual.high[k]
        if taken == "abstain":
            code: Code = "OUTSIDE_TRAINING_RANGE"
        elif low == high or value != value:
            code = "UNKNOWN"
        else:
            code = (
                "ABOVE_USUAL" if value > high else "BELOW_USUAL" if value < low else "USUAL_VALUE"
            )
        return Reason(
            code, self._features[k], contribution, None if value != value else value, (low, high)
        )


def _usual(described: list[Described], margin: float) -> _Usual:
    least, most = np.array([d.minimum for d in described]), np.array([d.maximum for d in described])
    room = margin * (most - least)
    return _Usual(
        [d.low for d in described], [d.high for d in described], least - room, most + room
    )
