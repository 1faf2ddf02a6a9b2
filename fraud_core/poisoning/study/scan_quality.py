"""How well a scan did, measured against what the attacker is known to have done."""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.metrics import average_precision
from fraud_core.poisoning.attacks.definition import Poisoned
from fraud_core.poisoning.detection.label_scan import Scan
from fraud_core.poisoning.detection.noisy_posterior import believed
from fraud_core.poisoning.detection.out_of_fold import OutOfFold

SURE = 0.9


def scan_figures(scan: Scan, scores: OutOfFold, seen: Transactions, poisoned: Poisoned) -> dict[str, np.ndarray]:
    """How well a scan ranks and names the rows that the attacker changed, among the doubtful rows of each label.

    Parameters
    ----------
    scan, scores
        On the rows as seen.
    seen
        Rows with the trusted labels in place.
    poisoned
        What the attacker did.

    Returns
    -------
    dict
        Alarms, estimated rates, average precision by label, and, under many false fraud labels, the frauds that the
        scan is sure of among those that survived.
    """
    changed = np.zeros(len(seen.y_observed), dtype=bool)
    changed[poisoned.changed] = True
    doubtful = ~seen.is_trusted
    changed &= doubtful
    figures: dict[str, np.ndarray] = {
        "scan.alarmed": np.array(scan.poisoned),
        "scan.trigger": np.array(scan.trigger is not None),
        "scan.named_source": np.array(any(finding.kind == "source" for finding in scan.findings)),
        "scan.suspicious": np.array(int(scan.suspicious.sum())),
        "scan.false_fraud_rate": np.array(scan.false_fraud_rate),
        "scan.hidden_fraud_rate": np.array(scan.hidden_fraud_rate),
    }
    for label in (0, 1):
        own = doubtful & (seen.y_observed == label)
        if changed[own].any():
            figures[f"scan.average_precision_{label}"] = np.array(
                average_precision(changed[own].astype(np.int64), scan.suspicion[own])
            )
    if scan.false_fraud_rate > 0.01:
        noisy = doubtful & (seen.y_observed == 1)
        sure = noisy & (believed(seen.y_observed, scores.margin, scan.false_fraud_rate, scan.hidden_fraud_rate) >= SURE)
        figures["scan.recovered"] = np.array(int(np.sum(sure & (poisoned.y_true == 1))))
        figures["scan.believed"] = np.array(int(sure.sum()))
        figures["scan.survivors"] = np.array(int(np.sum(noisy & (poisoned.y_true == 1))))
        figures["scan.recovered_rows"] = np.flatnonzero(sure & (poisoned.y_true == 1))
        figures["scan.survivor_rows"] = np.flatnonzero(noisy & (poisoned.y_true == 1))
    return figures
