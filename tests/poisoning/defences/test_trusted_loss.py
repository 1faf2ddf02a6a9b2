import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.context import defence_context
from fraud_core.poisoning.defences.trusted_loss import drop_large_losses


def test_labels_that_the_trusted_rows_contradict_are_dropped(rng):
    y = np.array([0, 0, 0, 1] * 200)
    features = 3.0 * y[:, None] + rng.uniform(size=(800, 2))
    seen = y.copy()
    wrong = np.array([2, 3, 51, 120])
    seen[wrong] = 1 - seen[wrong]
    rows = Transactions(features, seen, np.ones(800), is_trusted=np.arange(800) >= 400)
    flagged = drop_large_losses(rows, defence_context(rows, seed=0), seed=0).flagged
    assert flagged[wrong].all()
    assert flagged.sum() < 12
