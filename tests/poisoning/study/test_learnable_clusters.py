import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.conditions import CLEAN, Condition
from fraud_core.poisoning.study.learnable_clusters import clusters_by_rate, fraud_clusters
from fraud_core.poisoning.study.run_results import AttackFigures, Recovery, RunResult, ScanFigures

FEATURES = np.array([0.0, 0.1, 0.2, 9.0, 9.1, 0.0, 9.0])[:, None]
FRAUD = np.array([1, 1, 1, 1, 1, 0, 0])


def scanned(survivors, recovered):
    recovery = Recovery(len(recovered), np.array(recovered, int), np.array(survivors, int))
    scan = ScanFigures(True, False, False, 0, 0.2, 0.2, recovery=recovery)
    return RunResult(AttackFigures(0, 0.0, 0.0), scan)


def test_frauds_that_are_alike_share_a_cluster_and_honest_rows_have_none():
    cluster = fraud_clusters(FEATURES, FRAUD, n_clusters=2, seed=0)
    assert len(set(cluster[:3])) == len(set(cluster[3:5])) == 1
    assert {*cluster[:5]} == {0, 1}
    assert (cluster[5:] == -1).all()
    assert fraud_clusters(FEATURES, FRAUD, n_clusters=50, seed=0).max() == 4


def test_pockets_are_counted_in_the_first_draw_of_each_symmetric_flip():
    half, tenth = Condition("symmetric", 0.5), Condition("symmetric", 0.1)
    runs = [
        (Cell(CLEAN, 1, 1), RunResult(AttackFigures(0, 0.0, 0.0))),
        (Cell(half, 1, 1), scanned([0, 2, 4], [2])),
        (Cell(half, 2, 2), scanned([0], [0])),
        (Cell(tenth, 1, 1), scanned([0, 1, 2], [0, 1, 2])),
        (Cell(Condition("legit_to_fraud", 0.3), 1, 1), scanned([0], [0])),
    ]
    rows = Transactions(FEATURES, FRAUD, np.ones(7))
    found = clusters_by_rate(*zip(*runs, strict=True), rows, n_clusters=2, seed=0)
    assert {rate: sorted(pockets) for rate, pockets in found.items()} == {
        0.5: [(1, 0.0), (2, 0.5)],
        0.1: [(3, 1.0)],
    }
