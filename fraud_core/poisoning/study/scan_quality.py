"""Quality of a scan, measured against what the attacker is known to have done."""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.metrics import average_precision
from fraud_core.poisoning.attacks.definition import FRAUD, LEGITIMATE, Poisoned
from fraud_core.poisoning.detection.noisy_posterior import noise_corrected_posterior
from fraud_core.poisoning.detection.out_of_fold import OutOfFold
from fraud_core.poisoning.detection.scan_findings import Scan
from fraud_core.poisoning.study.run_results import Recovery, ScanFigures

SURE = 0.9
NOISY_FROM = 0.01  # estimated share of legitimate rows called fraud


def scan_figures(
    scan: Scan, scores: OutOfFold, seen: Transactions, poisoned: Poisoned
) -> ScanFigures:
    """How well a scan ranks and names the rows that the
    attacker changed, among the doubtful rows of each label.

    Parameters
    ----------
    scan, scores
        On the rows as seen.
    seen
        Rows with the trusted labels in place.
    poisoned
        What the attacker did.
    """
    noisy = scan.false_fraud_rate > NOISY_FROM
    return ScanFigures(
        alarmed=scan.poisoned,
        trigger_found=scan.trigger is not None,
        source_named=any(finding.kind == "source" for finding in scan.findings),
        n_suspicious=int(scan.suspicious.sum()),
        false_fraud_rate=float(scan.false_fraud_rate),
        hidden_fraud_rate=float(scan.hidden_fraud_rate),
        hidden_average_precision=_ranking(scan, seen, poisoned, LEGITIMATE),
        false_average_precision=_ranking(scan, seen, poisoned, FRAUD),
        recovery=_recovery(scan, scores, seen, poisoned) if noisy else None,
    )


def _ranking(scan: Scan, seen: Transactions, poisoned: Poisoned, label: int) -> float | None:
    changed = np.zeros(len(seen), dtype=bool)
    changed[poisoned.changed] = True
    own = ~seen.is_trusted & (seen.y_observed == label)
    if not changed[own].any():
        return None
    return float(average_precision(changed[own].astype(np.int64), scan.label_noise_score[own]))


def _recovery(scan: Scan, scores: OutOfFold, seen: Transactions, poisoned: Poisoned) -> Recovery:
    """The frauds that the scan is sure of among those that survived with a fraud label."""
    doubtful = ~seen.is_trusted & (seen.y_observed == FRAUD)
    posterior = noise_corrected_posterior(
        seen.y_observed, scores.log_odds, scan.false_fraud_rate, scan.hidden_fraud_rate
    )
    sure, fraud = doubtful & (posterior >= SURE), poisoned.y_true == FRAUD
    return Recovery(int(sure.sum()), np.flatnonzero(sure & fraud), np.flatnonzero(doubtful & fraud))
