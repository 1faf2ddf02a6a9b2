import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.poisoning.study.cells import Cell
from fraud_core.poisoning.study.conditions import CLEAN
from fraud_core.poisoning.study.peers import MARGIN, compare_with_peers, gated, peer_rows
from fraud_core.poisoning.study.run_results import (
    AttackFigures,
    DefendedRun,
    RunResult,
    ScanFigures,
)
from tests.poisoning.study.toy_study import HIDDEN, STAMPED, UNTOUCHED

pytestmark = pytest.mark.xdist_group("poisoning")


def test_peers_are_compared_only_where_both_were_run(study, versions):
    assert compare_with_peers(*study, versions.holdout, n_replicates=5, seed=0, null_band=0.0) == {}


def test_peers_behind_the_gate_leave_a_silent_batch_alone_and_are_held_back_by_trusted_frauds():
    def result(alarmed, own):
        scores = {"trusted_labels": 0.8, "knn": own}
        return RunResult(
            AttackFigures(0, 0.0, 0.0),
            ScanFigures(alarmed, False, False, 0, 0.0, 0.0),
            {name: DefendedRun(np.zeros(1, "f4"), 0.5, value) for name, value in scores.items()},
        )

    assert gated(result(False, 0.8), "knn") == "trusted_labels"
    assert gated(result(True, 0.8), "knn") == "knn"
    assert gated(result(True, 0.7), "knn") == "trusted_labels"


def test_selector_is_held_against_the_better_peer():
    """Average precision by hand: 1 for the selector, (1 + 2/3)/2 and (1/2 + 2/4)/2 for peers."""
    holdout = Transactions(np.zeros((4, 1)), np.array([0, 0, 1, 1]), np.ones(4))
    log_odds = {
        "policy": [-2, -1, 1, 2],
        "knn": [-2, 1, 0, 2],
        "confident_learning": [1, 3, 2, 0],
        "trusted_labels": [2, 1, -1, -2],
    }
    runs = {name: DefendedRun(np.array(own, "f4"), 0.5, 0.8) for name, own in log_odds.items()}
    alarmed = ScanFigures(True, False, False, 0, 0.0, 0.0)
    result = RunResult(AttackFigures(0, 0.0, 0.0), alarmed, runs)
    found = compare_with_peers(
        [Cell(HIDDEN, 1, 1), Cell(CLEAN, 1, 1)],
        [result, result],
        holdout,
        n_replicates=20,
        seed=0,
        null_band=0.0,
    )
    assert set(found) == {HIDDEN}
    assert found[HIDDEN].value == pytest.approx(1 - 5 / 6)


def test_cells_are_counted_by_their_lower_end():
    rows = peer_rows(
        {
            HIDDEN: Estimate(0.1, 0.01, 0.2),
            STAMPED: Estimate(0.0, -MARGIN / 2, 0.1),
            UNTOUCHED: Estimate(0.1, -2 * MARGIN, 0.3),
        }
    )
    counts = {row.metric: row.value for row in rows if row.metric.startswith("cells")}
    assert counts == {"cells_total": 3, "cells_non_inferior": 2, "cells_superior": 1}
