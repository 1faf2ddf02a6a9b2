"""What a model says of many rows: probability and alert, and on request decision and reasons."""

from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from fraud_core.bundle.decider import DECISIONS, Decider
from fraud_core.bundle.load import Bundle
from fraud_core.pipeline.batch.compiled_trees import log_odds_of_many

FRAUD_PROBABILITY, PREDICTION, DECISION, REASONS = (
    "fraud_probability",
    "prediction",
    "decision",
    "reasons",
)


@dataclass(frozen=True)
class Wanted:
    """What is written beside the probability.

    Attributes
    ----------
    decisions, reasons
        The decision of the served policy, and the reasons for it as JSON.
    """

    decisions: bool = False
    reasons: bool = False

    def columns(self) -> list[str]:
        """The columns that are written."""
        asked = {DECISION: self.decisions, REASONS: self.reasons}
        return [FRAUD_PROBABILITY, PREDICTION, *(name for name, wanted in asked.items() if wanted)]


class BatchScorer:
    """Scores many rows by one bundle, to the bit as the service scores one.

    Parameters
    ----------
    bundle
        A verified bundle.
    wanted
        What is written.
    """

    def __init__(self, bundle: Bundle, wanted: Wanted) -> None:
        self._bundle, self._wanted = bundle, wanted
        self._decider = Decider(bundle)
        fields = [field.name for field in bundle.contract.fields]
        self._seen = [fields.index(name) for name in bundle.contract.model_features]
        self._amount = fields.index(bundle.contract.amount)

    def score(self, fields: np.ndarray) -> pl.DataFrame:
        """Score rows.

        Parameters
        ----------
        fields
            Shape (n_samples, n_fields), float64, the fields of the contract in order.

        Returns
        -------
        polars.DataFrame
            ``fraud_probability``, ``prediction`` (1 from the alert threshold on) and what was
            wanted.
        """
        values = np.ascontiguousarray(fields[:, self._seen])
        log_odds = log_odds_of_many(self._bundle.trees, values.astype(np.float32))
        probability = self._bundle.calibration.probability(log_odds)
        scored = {
            FRAUD_PROBABILITY: probability,
            PREDICTION: (probability >= self._bundle.policy.threshold).astype(np.int8),
        }
        amount = fields[:, self._amount]
        if self._wanted.decisions:
            taken = self._decider.decisions(values, probability, amount)
            scored[DECISION] = np.array(DECISIONS)[taken]
        if self._wanted.reasons:
            scored[REASONS] = np.array(
                [self._reasons(row, eur) for row, eur in zip(values, amount, strict=True)],
                dtype=object,
            )
        frame = pl.DataFrame(
            scored, schema_overrides={REASONS: pl.String} if self._wanted.reasons else None
        )
        return frame.select(self._wanted.columns())

    def _reasons(self, values: np.ndarray, amount_eur: float) -> str:
        verdict = self._decider.decide(values, float(amount_eur))
        return msgspec.json.encode(verdict.reasons).decode()
