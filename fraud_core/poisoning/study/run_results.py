"""Results of one run of a cell: what the attack changed,
how the scan did, and the model of each defence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fraud_core.evaluation.bootstrap import ModelScores


@dataclass(frozen=True)
class AttackFigures:
    """What an attack changed.

    Attributes
    ----------
    n_changed
        Rows whose label or content the attacker made.
    false_fraud_share
        Share of the fraud labels that are false, in [0, 1].
    hidden_eur
        Amount of the hidden frauds, euros.
    """

    n_changed: int
    false_fraud_share: float
    hidden_eur: float


@dataclass(frozen=True)
class Recovery:
    """What the scan makes of many false fraud labels.

    Attributes
    ----------
    n_accepted
        Fraud labels that it is sure of.
    recovered_rows, survivor_rows
        Sorted rows: frauds among those labels, and all frauds that still have a fraud label.
    """

    n_accepted: int
    recovered_rows: np.ndarray
    survivor_rows: np.ndarray


@dataclass(frozen=True)
class ScanFigures:
    """How well a scan did.

    Attributes
    ----------
    alarmed
        Whether it found anything.
    trigger_found, source_named
        Whether it found a trigger, and named a bad source.
    n_suspicious
        Rows whose label should not be believed.
    false_fraud_rate, hidden_fraud_rate
        Estimates, in [0, 1].
    hidden_average_precision, false_average_precision
        How well it ranks the changed rows among the doubtful rows called legitimate, and called
        fraud; None where none was changed.
    recovery
        None where few fraud labels are false.
    """

    alarmed: bool
    trigger_found: bool
    source_named: bool
    n_suspicious: int
    false_fraud_rate: float
    hidden_fraud_rate: float
    hidden_average_precision: float | None = None
    false_average_precision: float | None = None
    recovery: Recovery | None = None


@dataclass(frozen=True)
class DefendedRun:
    """The model that a defence leaves.

    Attributes
    ----------
    log_odds
        Shape (n_holdout,), float32.
    threshold
        Probability from which a payment is alerted.
    validation_average_precision
        Of the model that has not learnt from the validation hours.
    n_flagged, n_true_flagged
        Rows that the defence removed or relabelled, and how many of them the attacker had changed.
    stamped_log_odds
        Shape (n_holdout,), float32, once the trigger is stamped on every payment; None without a
        trigger.
    """

    log_odds: np.ndarray
    threshold: float
    validation_average_precision: float
    n_flagged: int = 0
    n_true_flagged: int = 0
    stamped_log_odds: np.ndarray | None = None

    @property
    def scored(self) -> ModelScores:
        """Probabilities of the holdout, and the threshold."""
        return ModelScores(_probability(self.log_odds), self.threshold)

    @property
    def stamped_probability(self) -> np.ndarray:
        """Shape (n_holdout,), once the trigger is stamped; ValueError without a trigger."""
        if self.stamped_log_odds is None:
            raise ValueError(
                "stamped_log_odds: expected scores of the stamped holdout, got none; no trigger "
                "was set"
            )
        return _probability(self.stamped_log_odds)

    def same_model(self, other: "DefendedRun") -> bool:
        """Whether two defences left the same scores and the same threshold."""
        return self.threshold == other.threshold and np.array_equal(self.log_odds, other.log_odds)


@dataclass(frozen=True)
class RunResult:
    """One run of a cell.

    Attributes
    ----------
    attack
        What was changed.
    scan
        None where the labels were not scanned.
    defences
        By name of the defence, in the order in which they were run; ``none`` always, the selector
        last.
    selector_cleaned
        Whether the selector chose to clean; None where it was not asked.
    """

    attack: AttackFigures
    scan: ScanFigures | None = None
    defences: Mapping[str, DefendedRun] = field(default_factory=dict)
    selector_cleaned: bool | None = None


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds.astype(np.float64), -700, 700)))
