import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Interval, share
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.poisoning.study.cells import Inputs, budget_name, grid, run_cell, simulated_sources
from fraud_core.poisoning.study.effects import measure_effects, noise_floor, verdict
from fraud_core.poisoning.study.metrics import (
    attack_metrics,
    effect_metrics,
    scan_metrics,
    summarise_study,
)
from fraud_core.poisoning.study.peers import compare_with_peers, gated

pytestmark = pytest.mark.xdist_group("poisoning")
DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}
SETTINGS = {
    "estimator": EstimatorConfig("catboost", {"iterations": 30}),
    "decision": DECISION,
    "defences": ["none", "confident_learning", "out_of_fold", "policy"],
}


@pytest.fixture(scope="module")
def study(versions):
    rows = versions.training_rows
    inputs = Inputs(rows, versions.holdout.X, np.zeros(len(rows.y_observed)), np.empty(0), np.empty(0))
    cells = grid({"fraud_to_legit": [0.0, 0.9], "backdoor": [0.4]}, n_seeds=1, n_placebo=2, seed=1)
    return cells, [run_cell(cell, inputs, SETTINGS) for cell in cells]


@pytest.fixture(scope="module")
def effects(study, versions):
    return measure_effects(*study, versions.holdout, decision=DECISION, n_replicates=100, seed=0)


def test_grid_holds_reference_placebo_and_every_combination():
    cells = grid({"a": [0.02, 0.2], "b": [0.5]}, n_seeds=3, n_placebo=2, seed=1)
    assert len(cells) == 3 + 2 + 3 * 3
    assert len({cell.name for cell in cells}) == len(cells)


def test_placebos_beyond_the_scanned_ones_are_trained_only(versions):
    cells = grid({}, n_seeds=1, n_placebo=2, seed=1, n_scanned=1)
    assert [cell.scanned for cell in cells if cell.attack == "placebo"] == [True, False]
    nothing = np.empty(0)
    inputs = Inputs(versions.training_rows, versions.holdout.X, nothing, nothing, nothing)
    scanned, trained = (run_cell(cell, inputs, SETTINGS) for cell in cells[1:])
    assert "scan.alarmed" in scanned
    assert not [key for key in trained if key.startswith("scan.")]
    assert trained["none.log_odds"].shape == scanned["none.log_odds"].shape
    flat = scan_metrics(cells[1:], [scanned, trained])
    assert flat["scan.clean_batches"] == 1


def test_budget_names_are_percents():
    assert budget_name("symmetric", 0.2) == "symmetric.20"
    assert budget_name("symmetric", 0.07) == "symmetric.7"


def test_attack_without_a_budget_changes_nothing(study):
    by_name = {cell.name: result for cell, result in zip(*study, strict=True)}
    for key in ("none.log_odds", "policy.log_odds", "none.threshold"):
        np.testing.assert_array_equal(by_name["clean.seed1"][key], by_name["fraud_to_legit.0.seed1"][key])


def test_each_draw_is_compared_with_the_clean_training_of_its_seed(versions):
    rows = versions.training_rows
    nothing = np.empty(0)
    inputs = Inputs(rows, versions.holdout.X, nothing, nothing, nothing)
    cells = grid({"fraud_to_legit": [0.0]}, n_seeds=2, n_placebo=2, seed=1)
    results = [run_cell(cell, inputs, SETTINGS | {"defences": []}) for cell in cells]
    clean = [result["none.log_odds"] for cell, result in zip(cells, results, strict=True) if cell.attack == "clean"]
    assert not np.array_equal(*clean)
    effects = measure_effects(cells, results, versions.holdout, decision=DECISION, n_replicates=20, seed=0)
    unchanged = effects.by_seed("fraud_to_legit.0", "none", "average_precision_change")
    assert unchanged.shape == (2, 21)
    assert not unchanged.any()
    assert effects.point("clean", "none").tolist() == effects.point("fraud_to_legit.0", "none").tolist()
    assert 0 < effects.floor_of_mean["average_precision"] < effects.floor["average_precision"]


def test_hiding_nearly_all_frauds_is_harm_and_the_policy_gives_back(effects):
    undefended = effects.interval("fraud_to_legit.90", "none", "average_precision_change")
    assert undefended.high < 0
    assert verdict(undefended, limit=0.05) == "harm"
    defended = effects.interval("fraud_to_legit.90", "policy", "average_precision_change")
    assert defended.value > undefended.value
    nothing = effects.interval("fraud_to_legit.0", "none", "average_precision_change")
    band = effects.band("average_precision")
    assert nothing == Interval(0.0, -band, band)  # one draw: the null band stands for what another may do


def test_metrics_carry_the_names_of_attack_budget_and_defence(study, effects, versions):
    flat = effect_metrics(effects, limit=0.05) | attack_metrics(*study) | scan_metrics(*study)
    flat |= summarise_study(effects, *study, versions.holdout.y_observed)
    for name in (
        "placebo.average_precision_floor", "clean.none.average_precision", "fraud_to_legit.90.policy.average_precision",
        "fraud_to_legit.90.trusted_labels.verdict", "fraud_to_legit.90.out_of_fold.true_doubted",
        "fraud_to_legit.90.labels_changed", "summary.fraud_to_legit_90.given_back", "summary.clean.harm",
        "summary.backdoor.success_rate", "backdoor.40.none.success_rate", "scan.fraud_to_legit_90.average_precision",
        "scan.false_alarm_rate", "scan.backdoor_40.trigger_found", "policy.fraud_to_legit_90.cleaned",
    ):  # fmt: skip
        assert name in flat
    assert flat["clean.none.verdict"] == "none"


def test_defences_that_leave_one_model_share_its_resamples_and_others_do_not(study, effects):
    result = {cell.name: result for cell, result in zip(*study, strict=True)}["fraud_to_legit.90.seed1"]
    found = effects.replicates["fraud_to_legit.90"]
    assert set(found) == {"none", "policy", "trusted_labels", "confident_learning", "out_of_fold"}
    same = {
        name for name in found if np.array_equal(result[f"{name}.log_odds"], result["policy.log_odds"])
    } - {"policy"}  # fmt: skip
    assert same
    for name in set(found) - {"policy"}:
        shared = np.array_equal(found[name][0]["average_precision"], found["policy"][0]["average_precision"])
        assert shared == (name in same), name


def test_every_defence_that_is_asked_for_is_scored(study):
    last = study[1][-1]
    for name in ("none", "trusted_labels", "confident_learning", "out_of_fold", "policy"):
        assert last[f"{name}.log_odds"].shape == last["none.log_odds"].shape
        assert last[f"{name}.stamped"].shape == last["none.log_odds"].shape


def test_peers_are_compared_only_where_both_were_run(study, versions):
    assert compare_with_peers(*study, versions.holdout, n_replicates=5, seed=0, null_band=0.0) == {}


def test_peers_behind_the_gate_leave_a_silent_batch_as_it_is_and_are_held_back_by_the_trusted_frauds():
    def result(alarmed, own):
        key = "validation_average_precision"
        return {"scan.alarmed": np.array(alarmed), f"trusted_labels.{key}": 0.8, f"knn.{key}": own}

    assert gated(result(False, 0.8), "knn") == "trusted_labels"
    assert gated(result(True, 0.8), "knn") == "knn"
    assert gated(result(True, 0.7), "knn") == "trusted_labels"


def test_simulated_sources_take_turns():
    names, counts = np.unique(simulated_sources(60), return_counts=True)
    assert len(names) == 6
    assert set(counts) == {10}


def test_noise_floor_needs_two_placebo_trainings_and_widens_with_their_spread():
    assert noise_floor([0.01]) == float("inf")
    assert noise_floor([0.0, 0.0, 0.0]) == 0.0
    assert noise_floor([-0.02, 0.02, 0.0]) > noise_floor([-0.01, 0.01, 0.0])
    assert noise_floor([-0.02, 0.02, 0.0], 3) == pytest.approx(4.302653 * 0.02 * np.sqrt(1 / 3 + 1 / 3))


def test_share_is_exact():
    """Rule of three: none in n gives an upper end of 1 − 0.025^(1/n)."""
    assert share(0, 20).high == pytest.approx(1 - 0.025 ** (1 / 20))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Interval(-0.2, -0.3, -0.1), "harm"), (Interval(0.2, 0.1, 0.3), "gain"),
        (Interval(0.0, -0.01, 0.01), "none"), (Interval(-0.04, -0.2, 0.1), "insufficient evidence"),
    ],
)  # fmt: skip
def test_verdicts(change, expected):
    assert verdict(change, limit=0.05) == expected
