"""What a scan of a label batch says: its alarms, the rows that it doubts, where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fraud_core.poisoning.detection.backdoor_triggers import Suspected


@dataclass(frozen=True)
class Finding:
    """One alarm of the scan.

    Attributes
    ----------
    kind
        ``false frauds``, ``hidden frauds``, ``trigger`` or ``source``.
    p_value
        Probability of so much evidence, or more, in a clean batch.
    n_rows
        Rows concerned.
    words
        The finding as a sentence.
    """

    kind: str
    p_value: float
    n_rows: int
    words: str


@dataclass(frozen=True)
class Scan:
    """What the scan says of a label batch.

    Attributes
    ----------
    label_noise_score
        Shape (n_samples,), log-odds that the label is the other one; compare within a class of
        labels only.
    suspicious
        Shape (n_samples,), True for rows whose label should not be believed; never for a trusted
        row.
    false_fraud_rate, hidden_fraud_rate
        Estimated share of the legitimate rows called fraud, and of the frauds called legitimate.
    trigger
        The pattern found, or None.
    findings
        Alarms; none for a batch that looks clean.
    """

    label_noise_score: np.ndarray
    suspicious: np.ndarray
    false_fraud_rate: float
    hidden_fraud_rate: float
    trigger: Suspected | None
    findings: tuple[Finding, ...]

    @property
    def poisoned(self) -> bool:
        """Whether anything was found."""
        return bool(self.findings)


def segment_counts(
    suspicious: np.ndarray, segments: Mapping[str, np.ndarray]
) -> list[dict[str, object]]:
    """Suspicious rows by segment, the largest share first.

    Parameters
    ----------
    suspicious
        Shape (n_samples,), from a scan.
    segments
        Names of segments of each row, shape (n_samples,), by what they are cut by.

    Examples
    --------
    >>> segment_counts(np.array([True, False]), {"hour": np.array([1, 2])})[0]
    {'by': 'hour', 'segment': '1', 'suspicious': 1, 'rows': 1}
    """
    counts: list[tuple[float, dict[str, object]]] = []
    for by, names in segments.items():
        for name in np.unique(names):
            own = names == name
            found, rows = int(suspicious[own].sum()), int(own.sum())
            row = {"by": by, "segment": str(name), "suspicious": found, "rows": rows}
            counts.append((found / rows, row))
    return [row for _, row in sorted(counts, key=lambda count: -count[0])]
