import numpy as np
import pytest

from fraud_core.poisoning.study.bench import run_cell
from fraud_core.poisoning.study.cells import Inputs, grid
from fraud_core.poisoning.study.conditions import NULL_RUN
from fraud_core.poisoning.study.measurements import scan_rows
from tests.poisoning.study.toy_study import SETTINGS, table

pytestmark = pytest.mark.xdist_group("poisoning")


def test_null_runs_beyond_the_scanned_ones_are_trained_only(versions):
    cells = grid({}, n_seeds=1, n_null_runs=2, seed=1, n_scanned=1)
    assert [cell.scanned for cell in cells if cell.condition == NULL_RUN] == [True, False]
    nothing = np.empty(0)
    inputs = Inputs(versions.training_rows, versions.holdout.X, nothing, nothing, nothing)
    scanned, trained = (run_cell(cell, inputs, SETTINGS) for cell in cells[1:])
    assert scanned.scan is not None
    assert trained.scan is None
    assert trained.defences["none"].log_odds.shape == scanned.defences["none"].log_odds.shape
    assert table(scan_rows(cells[1:], [scanned, trained])).only("scan_clean_batches").value == 1


def test_attack_without_a_budget_changes_nothing(study):
    by_name = {cell.name: result.defences for cell, result in zip(*study, strict=True)}
    for name in ("none", "policy"):
        assert by_name["clean.seed1"][name].same_model(by_name["fraud_to_legit.0.seed1"][name])


def test_every_defence_that_is_asked_for_is_scored(study):
    last = study[1][-1].defences
    for name in ("none", "trusted_labels", "confident_learning", "out_of_fold", "policy"):
        assert (
            last[name].log_odds.shape
            == last[name].stamped_log_odds.shape
            == last["none"].log_odds.shape
        )
