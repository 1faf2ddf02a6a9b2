import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate, proportion_ci
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.poisoning.detection.monitors import Detectability
from fraud_core.poisoning.study.bench import run_cell
from fraud_core.poisoning.study.cells import Inputs, grid, simulated_sources
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.effects import measure_effects, null_band_of, verdict
from fraud_core.poisoning.study.headline import attack_table, attacked_conditions, headline_figures
from fraud_core.poisoning.study.measurements import (
    attack_rows,
    effect_rows,
    monitor_rows,
    scan_rows,
    summary_rows,
)
from fraud_core.poisoning.study.peers import compare_with_peers, gated
from fraud_core.poisoning.study.run_results import (
    AttackFigures,
    DefendedRun,
    RunResult,
    ScanFigures,
)

pytestmark = pytest.mark.xdist_group("poisoning")
DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}
SETTINGS = {
    "estimator": EstimatorConfig("catboost", {"iterations": 30}),
    "decision": DECISION,
    "defences": ["none", "confident_learning", "out_of_fold", "policy"],
}
HIDDEN, UNTOUCHED, STAMPED = (
    Condition("fraud_to_legit", 0.9),
    Condition("fraud_to_legit", 0.0),
    Condition("backdoor", 0.4),
)


def table(rows):
    return StudyTable.from_measurements(rows, table="toy", study="poisoning")


@pytest.fixture(scope="module")
def study(versions):
    rows = versions.training_rows
    inputs = Inputs(
        rows, versions.holdout.X, np.zeros(len(rows.y_observed)), np.empty(0), np.empty(0)
    )
    cells = grid(
        {"fraud_to_legit": [0.0, 0.9], "backdoor": [0.4]}, n_seeds=1, n_null_runs=2, seed=1
    )
    return cells, [run_cell(cell, inputs, SETTINGS) for cell in cells]


@pytest.fixture(scope="module")
def effects(study, versions):
    return measure_effects(*study, versions.holdout, decision=DECISION, n_replicates=100, seed=0)


def test_grid_holds_reference_null_run_and_every_combination():
    cells = grid({"a": [0.02, 0.2], "b": [0.5]}, n_seeds=3, n_null_runs=2, seed=1)
    assert len(cells) == 3 + 2 + 3 * 3
    assert len({cell.name for cell in cells}) == len(cells)


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


def test_conditions_are_named_by_percents():
    assert Condition("symmetric", 0.2).key == "symmetric.20"
    assert Condition("symmetric", 0.07).slug == "symmetric_7"
    assert (CLEAN.key, CLEAN.percent, CLEAN.is_attack, UNTOUCHED.is_attack) == (
        "clean",
        "",
        False,
        True,
    )


def test_attack_without_a_budget_changes_nothing(study):
    by_name = {cell.name: result.defences for cell, result in zip(*study, strict=True)}
    for name in ("none", "policy"):
        assert by_name["clean.seed1"][name].same_model(by_name["fraud_to_legit.0.seed1"][name])


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


@pytest.fixture(scope="module")
def measured(study, effects, versions):
    cells, results = study
    return table(
        [
            *effect_rows(effects, cells, limit=0.05),
            *attack_rows(cells, results),
            *scan_rows(cells, results),
            *summary_rows(effects, cells, results, versions.holdout.y_observed),
            *monitor_rows(
                {c: Detectability(0.1, 0.2, 0.3) for c in (HIDDEN, UNTOUCHED, STAMPED)},
                n_canaries=5,
                n_frauds=50,
            ),
        ]
    )


@pytest.mark.parametrize(
    ("metric", "columns"),
    [
        ("average_precision_null_band", NULL_RUN.columns),
        ("average_precision", CLEAN.columns | {"defence": "none"}),
        ("average_precision", HIDDEN.columns | {"defence": "policy"}),
        ("average_precision", HIDDEN.columns | {"defence": "policy", "seed": 1}),
        ("average_precision_change", HIDDEN.columns | {"defence": "trusted_labels"}),
        ("rows_rightly_flagged", HIDDEN.columns | {"defence": "out_of_fold"}),
        ("labels_changed", HIDDEN.columns),
        ("average_precision_recovered", HIDDEN.columns),
        ("selector_cleaned", HIDDEN.columns),
        ("clean_accuracy_cost", CLEAN.columns),
        ("success_rate", STAMPED.columns | {"defence": "none"}),
        ("scan_average_precision", HIDDEN.columns),
        ("scan_false_alarm_rate", {}),
        ("scan_trigger_found", STAMPED.columns),
    ],
)
def test_figures_are_chosen_by_columns(measured, metric, columns):
    assert np.isfinite(measured.only(metric, **columns).value)


def test_effect_has_a_verdict_and_its_draws_have_its_mean(measured):
    columns = HIDDEN.columns | {"defence": "none"}
    change = measured.only("average_precision_change", **columns)
    assert change.verdict == Verdict.FAIL
    assert measured.only("average_precision_change", **columns, seed=1).value == pytest.approx(
        change.value
    )


def test_metrics_are_a_view_of_the_table(measured):
    assert attacked_conditions(measured) == [UNTOUCHED, HIDDEN, STAMPED]
    flat = headline_figures(measured, limit=0.05)
    assert (flat["fraud_to_legit.none.verdict"], flat["fraud_to_legit.poison_rate"]) == (
        "harm",
        0.9,
    )
    assert (flat["worst.attack"], flat["worst.poison_rate"]) == ("fraud_to_legit", 0.9)
    assert (
        flat["backdoor.policy.success_rate"]
        == measured.only("success_rate", **STAMPED.columns, defence="policy").figure
    )
    assert flat["scan.clean_batches"] == 3
    assert {
        "null_run.average_precision_null_band",
        "clean.accuracy_cost",
        "fraud_to_legit.average_precision_recovered",
    } <= set(flat)
    assert len(attack_table(measured, limit=0.05)) == 3


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


def test_every_defence_that_is_asked_for_is_scored(study):
    last = study[1][-1].defences
    for name in ("none", "trusted_labels", "confident_learning", "out_of_fold", "policy"):
        assert (
            last[name].log_odds.shape
            == last[name].stamped_log_odds.shape
            == last["none"].log_odds.shape
        )


def test_model_without_a_trigger_has_no_stamped_scores(study):
    with pytest.raises(ValueError, match="no trigger was set"):
        _ = study[1][0].defences["none"].stamped_probability


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


def test_simulated_sources_take_turns():
    names, counts = np.unique(simulated_sources(60), return_counts=True)
    assert len(names) == 6
    assert set(counts) == {10}


def test_null_band_needs_two_null_runs_and_widens_with_their_spread():
    assert null_band_of([0.01]) == float("inf")
    assert null_band_of([0.0, 0.0, 0.0]) == 0.0
    assert null_band_of([-0.02, 0.02, 0.0]) > null_band_of([-0.01, 0.01, 0.0])
    assert null_band_of([-0.02, 0.02, 0.0], 3) == pytest.approx(
        4.302653 * 0.02 * np.sqrt(1 / 3 + 1 / 3)
    )


def test_share_is_exact():
    """Rule of three: none in n gives an upper end of 1 − 0.025^(1/n)."""
    assert proportion_ci(0, 20).ci_high == pytest.approx(1 - 0.025 ** (1 / 20))


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
