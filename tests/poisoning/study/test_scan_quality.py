import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.attacks.definition import Poisoned
from fraud_core.poisoning.detection.out_of_fold import OutOfFold
from fraud_core.poisoning.detection.scan_findings import Finding, Scan
from fraud_core.poisoning.study.scan_quality import scan_figures


def test_changed_rows_are_ranked_among_the_doubtful_rows_of_their_label():
    """A hidden fraud in second place among honest rows, a false fraud in first place."""
    y_true, y = np.array([0, 1, 0, 1, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    seen = Transactions(np.zeros((6, 1)), y, np.ones(6), is_trusted=np.arange(6) == 5)
    score = np.array([0.1, 0.5, 0.9, 0.2, 0.8, 1.0])
    finding = Finding("source", 0.001, 3, "source a")
    scan = Scan(score, score > 0.7, 0.0, 0.25, None, (finding,))
    found = scan_figures(
        scan, OutOfFold(np.zeros(6), y), seen, Poisoned(seen, y_true, np.array([1, 4]))
    )
    assert (found.hidden_average_precision, found.false_average_precision) == (0.5, 1.0)
    assert (found.alarmed, found.source_named, found.trigger_found) == (True, True, False)
    assert (found.n_suspicious, found.hidden_fraud_rate, found.recovery) == (3, 0.25, None)


def test_batch_that_nobody_changed_has_no_ranking():
    y = np.array([0, 1, 0, 1])
    seen = Transactions(np.zeros((4, 1)), y, np.ones(4))
    scan = Scan(np.zeros(4), np.zeros(4, bool), 0.0, 0.0, None, ())
    found = scan_figures(
        scan, OutOfFold(np.zeros(4), y), seen, Poisoned(seen, y, np.array([], int))
    )
    assert found.hidden_average_precision is found.false_average_precision is None
    assert not found.alarmed


def test_frauds_that_the_scores_tell_from_false_ones_are_recovered(rng):
    y_true = np.repeat([0, 1], 200)
    changed = np.arange(20)
    y = np.where(np.arange(400) < 20, 1, y_true)
    seen = Transactions(np.zeros((400, 1)), y, np.ones(400), is_trusted=np.arange(400) >= 380)
    scores = OutOfFold(8.0 * y_true - 4.0 + rng.uniform(-1, 1, 400), np.zeros(400, int))
    scan = Scan(np.zeros(400), np.zeros(400, bool), 0.1, 0.0, None, ())
    recovery = scan_figures(scan, scores, seen, Poisoned(seen, y_true, changed)).recovery
    assert recovery.n_accepted == 180
    np.testing.assert_array_equal(recovery.recovered_rows, np.arange(200, 380))
    np.testing.assert_array_equal(recovery.survivor_rows, np.arange(200, 380))
