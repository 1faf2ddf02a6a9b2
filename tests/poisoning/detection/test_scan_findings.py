import numpy as np

from fraud_core.poisoning.detection.scan_findings import segment_counts


def test_segments_are_counted_with_the_worst_first():
    found = segment_counts(np.array([True, False, True, True]), {"hour": np.array([1, 1, 2, 2])})
    assert [(c["segment"], c["suspicious"], c["rows"]) for c in found] == [("2", 2, 2), ("1", 1, 2)]
