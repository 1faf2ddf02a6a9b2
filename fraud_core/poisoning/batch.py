"""The scan of one label batch, from rows to findings; also where no label at all can be trusted."""

from dataclasses import dataclass

import numpy as np

from fraud_core.model.champion import TrainingRows
from fraud_core.poisoning.scan import ALPHA, Finding, Scan, detect
from fraud_core.poisoning.scores import OutOfFold, out_of_fold_scores

# Share of fraud labels among the rows of lower score that an honest batch may have; clean v0 of the ULB data has 0.01%.
HONEST_FLOOR = 0.005


@dataclass(frozen=True)
class BatchScan:
    """A scan with the scores behind it; `findings` are those of the scan and of the floor."""

    scan: Scan
    scores: OutOfFold
    findings: tuple[Finding, ...]

    @property
    def poisoned(self) -> bool:
        """Whether anything was found."""
        return bool(self.findings)


def scan_batch(rows: TrainingRows, *, seed: int, source: np.ndarray | None = None) -> BatchScan:
    """Score a batch out of fold and scan it.

    Parameters
    ----------
    rows
        Labels as seen; ``rows.validation`` marks the rows that are taken as trusted. The floor of the fraud labels is
        judged over all rows, so that flips are found even when the trusted rows are poisoned too.
    seed
        Of folds, samples and fits.
    source
        Shape (n_samples,), who gave each label, or None.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(1500, seed=0)
    >>> rows = TrainingRows(toy.select("V1", "V2", "V3").to_numpy(), toy["Class"].to_numpy(), toy["Amount"].to_numpy(),
    ...                     np.arange(1500) >= 900)
    >>> y = np.where(np.random.default_rng(0).random(1500) < 0.2, 1, rows.y_true)
    >>> scan_batch(TrainingRows(rows.features, y, rows.amount_eur, rows.validation), seed=0).poisoned
    True
    """
    scores = out_of_fold_scores(rows, seed=seed)
    scan = detect(rows, scores, source=source, seed=seed)
    findings = scan.findings
    floor = fraud_floor(rows.y_true, scores.margin)
    if floor is not None and all(finding.kind != "false frauds" for finding in findings):
        findings = (floor, *findings)
    return BatchScan(scan, scores, findings)


def fraud_floor(y_seen: np.ndarray, margin: np.ndarray, *, honest: float = HONEST_FLOOR) -> Finding | None:
    """Whether more fraud labels lie in the half of lowest score than an honest batch has, by an exact test.

    Parameters
    ----------
    y_seen, margin
        Labels as seen, and out-of-fold log-odds of them, shape (n_samples,).
    honest
        Share of that half that honest labels may call fraud.

    Examples
    --------
    >>> fraud_floor(np.array([0] * 100), np.arange(100.0)) is None
    True
    """
    from scipy.stats import binom

    low = margin < np.median(margin)
    frauds, total = int(y_seen[low].sum()), int(low.sum())
    rate = max(honest, float(y_seen.mean()) / 4)
    p_value = float(binom.sf(frauds - 1, total, rate)) if frauds else 1.0
    if p_value >= ALPHA:
        return None
    words = f"{frauds / total:.1%} of the payments that look least like fraud are called fraud ({frauds:,} labels)"
    return Finding("false frauds", p_value, frauds, words)
