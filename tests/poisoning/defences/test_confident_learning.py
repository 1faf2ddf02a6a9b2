import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.confident_learning import drop_label_issues
from fraud_core.poisoning.defences.definition import DefenceContext
from fraud_core.poisoning.detection.out_of_fold import OutOfFold


def test_contradicted_labels_of_both_classes_are_dropped_unless_they_are_trusted():
    y = np.repeat([0, 1], 20)
    probability = np.where(y == 1, 0.9, 0.1)
    y[[0, 1]], y[[38, 39]] = 1, 0
    rows = Transactions(np.zeros((40, 1)), y, np.ones(40), is_trusted=np.arange(40) == 39)
    scores = OutOfFold(np.log(probability / (1 - probability)), np.zeros(40, int))
    context = DefenceContext(scores, scan=None, quantised=None)
    defended = drop_label_issues(rows, context, seed=0)
    assert np.flatnonzero(defended.flagged).tolist() == [0, 1, 38]
    assert defended.kept_index.tolist() == [*range(2, 38), 39]
