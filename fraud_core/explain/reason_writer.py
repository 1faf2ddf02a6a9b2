"""Reasons of a served decision in words, with their single-feature counterfactuals.

NumPy and msgspec are all it needs, so a service may call it for every decision.
"""

import msgspec
import numpy as np

from fraud_core.bundle.decider import Verdict
from fraud_core.bundle.load import Bundle
from fraud_core.explain.reasons import (
    N_COUNTERFACTUALS,
    WordedReason,
    nearest_values,
    render_reason,
    single_feature_counterfactual,
    value_cells,
)
from fraud_core.policy.actions import actions
from fraud_core.scoring.row_scorer import RowScorer


class ReasonWriter:
    """Renders the reasons of the decisions of one bundle in
    words; what does not depend on the row is worked out once.

    Parameters
    ----------
    bundle
        A verified bundle, the one that decided.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._features = list(bundle.contract.model_features)
        self._scorer = RowScorer(
            bundle.trees, bundle.model.tables, bundle.calibration, len(self._features)
        )
        self._calibration, self._threshold = bundle.calibration, bundle.policy.threshold
        self._policy = bundle.policy.actions
        self._amount = (
            self._features.index(bundle.contract.amount)
            if bundle.contract.amount in self._features
            else -1
        )
        described = [bundle.reference.features[name] for name in self._features]
        self._cells = [
            value_cells(bundle.trees, k, feature.low, feature.high)
            for k, feature in enumerate(described)
        ]

    def write(
        self, values: np.ndarray, amount_eur: float, verdict: Verdict
    ) -> tuple[WordedReason, ...]:
        """The reasons of a verdict in words; for the first
        two, the single-feature counterfactual.

        Parameters
        ----------
        values, amount_eur
            What `Decider.decide` was given.
        verdict
            What it answered.

        Returns
        -------
        tuple of WordedReason
            In the verdict's order. ``would_turn_at`` turns an alarm (review or block) into an
            approval, an approval into an alarm, and an abstention into any decision.

        Notes
        -----
        The amount moves the score and the losses at once; both are counted when it is the feature
        that is changed.
        """
        return tuple(
            [
                render_reason(
                    reason, self._counterfactual(values, amount_eur, verdict, reason.feature)
                )
                if place < N_COUNTERFACTUALS
                and reason.value is not None
                and reason.feature in self._features
                else render_reason(reason)
                for place, reason in enumerate(verdict.reasons)
            ]
        )

    def _counterfactual(
        self, values: np.ndarray, amount_eur: float, verdict: Verdict, feature: str
    ) -> float | msgspec.UnsetType | None:
        k = self._features.index(feature)
        cells, value = self._cells[k], float(values[k])
        if verdict.decision == "abstain":
            # a value of the reference range lies inside the training range; it turns the abstention
            # when nothing else lies outside
            return float(nearest_values(cells, value)[0]) if len(verdict.reasons) == 1 else None
        alarm = verdict.decision != "approve"
        if k == self._amount:
            return self._amount_counterfactual(values, alarm)

        def turned(others: np.ndarray) -> np.ndarray:
            return self._alarms(values, k, others, amount_eur) != alarm

        return single_feature_counterfactual(cells, value, turned)

    def _amount_counterfactual(self, values: np.ndarray, alarm: bool) -> float | None:
        """As `single_feature_counterfactual`, where the losses change with the value too.

        Within a part the probability is the same, and an approval becomes dearer than a review at
        one amount.
        """
        k = self._amount
        first, last = self._cells[k]
        probability = self._probabilities(values, k, first)
        settings = self._policy.settings
        kept = probability * settings.loss_share * (1.0 - settings.review_miss_share)
        review = self._policy.review_cost_eur + self._policy.review_price_eur
        dear = np.divide(
            review, kept, out=np.full(len(kept), 3e38), where=kept > review / 3e38
        ).astype(np.float32)
        sides = [
            np.nextafter(dear, np.float32(side)).astype(np.float64) for side in (-np.inf, np.inf)
        ]
        value = float(values[k])
        tried = np.concatenate(
            [
                np.clip(amount, first, last)
                for amount in (value, dear.astype(np.float64), 0.0, *sides)
            ]
        )
        tried = tried[tried != value]
        tried = tried[self._alarms(values, k, tried, tried) != alarm]
        return float(tried[np.abs(tried - value).argmin()]) if len(tried) else None

    def _alarms(
        self, values: np.ndarray, k: int, others: np.ndarray, amount_eur: float | np.ndarray
    ) -> np.ndarray:
        """Whether the row is an alarm with each other value of one feature, shape (n_others,)."""
        return (
            actions(
                self._policy, self._probabilities(values, k, others), amount_eur, self._threshold
            )
            > 0
        )

    def _probabilities(self, values: np.ndarray, k: int, others: np.ndarray) -> np.ndarray:
        return self._calibration.probability(self._scorer.log_odds_with(values, k, others))
