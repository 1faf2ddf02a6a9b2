import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.poisoning.study.bench import run_cell
from fraud_core.poisoning.study.cells import Inputs, grid
from fraud_core.poisoning.study.conditions import CLEAN
from fraud_core.poisoning.study.effects import measure_effects, null_band_of, verdict
from tests.poisoning.study.toy_study import DECISION, HIDDEN, SETTINGS, UNTOUCHED

pytestmark = pytest.mark.xdist_group("poisoning")


def test_each_draw_is_compared_with_the_clean_training_of_its_seed(versions):
    rows = versions.training_rows
    nothing = np.empty(0)
    inputs = Inputs(rows, versions.holdout.X, nothing, nothing, nothing)
    cells = grid({"fraud_to_legit": [0.0]}, n_seeds=2, n_null_runs=2, seed=1)
    results = [run_cell(cell, inputs, SETTINGS | {"defences": []}) for cell in cells]
    runs = zip(cells, results, strict=True)
    clean = [result.defences["none"].log_odds for cell, result in runs if cell.condition == CLEAN]
    assert not np.array_equal(*clean)
    effects = measure_effects(
        cells, results, versions.holdout, decision=DECISION, n_replicates=20, seed=0
    )
    unchanged = effects.by_seed(UNTOUCHED, "none", "average_precision_change")
    assert unchanged.shape == (2, 21)
    assert not unchanged.any()
    assert effects.point(CLEAN, "none").tolist() == effects.point(UNTOUCHED, "none").tolist()
    metric = "average_precision"
    assert 0 < effects.null_band_of_mean[metric] < effects.null_band[metric]


def test_hiding_nearly_all_frauds_is_harm_and_the_policy_gives_back(effects):
    undefended = effects.interval(HIDDEN, "none", "average_precision_change")
    assert undefended.ci_high < 0
    assert verdict(undefended, limit=0.05) == "harm"
    defended = effects.interval(HIDDEN, "policy", "average_precision_change")
    assert defended.value > undefended.value
    nothing = effects.interval(UNTOUCHED, "none", "average_precision_change")
    band = effects.band("average_precision")
    assert nothing == Estimate(
        0.0, -band, band
    )  # one draw: the null band stands for what another may do


def test_defences_that_leave_one_model_share_its_resamples_and_others_do_not(study, effects):
    runs = {cell.name: result for cell, result in zip(*study, strict=True)}[
        "fraud_to_legit.90.seed1"
    ].defences
    effect = effects.replicates[HIDDEN]
    assert (
        set(effect)
        == set(runs)
        == {"none", "policy", "trusted_labels", "confident_learning", "out_of_fold"}
    )
    same = {name for name, run in runs.items() if run.same_model(runs["policy"])} - {"policy"}
    assert same
    for name in set(runs) - {"policy"}:
        shared = np.array_equal(
            effect[name][0].of("average_precision"), effect["policy"][0].of("average_precision")
        )
        assert shared == (name in same), name


def test_null_band_needs_two_null_runs_and_widens_with_their_spread():
    assert null_band_of([0.01]) == float("inf")
    assert null_band_of([0.0, 0.0, 0.0]) == 0.0
    assert null_band_of([-0.02, 0.02, 0.0]) > null_band_of([-0.01, 0.01, 0.0])
    assert null_band_of([-0.02, 0.02, 0.0], 3) == pytest.approx(
        4.302653 * 0.02 * np.sqrt(1 / 3 + 1 / 3)
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Estimate(-0.2, -0.3, -0.1), "harm"),
        (Estimate(0.2, 0.1, 0.3), "gain"),
        (Estimate(0.0, -0.01, 0.01), "none"),
        (Estimate(-0.04, -0.2, 0.1), "insufficient evidence"),
    ],
)
def test_verdicts(change, expected):
    assert verdict(change, limit=0.05) == expected
