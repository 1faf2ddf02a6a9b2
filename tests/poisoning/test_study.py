import numpy as np
import pytest

from fraud_core.model.intervals import Interval
from fraud_core.poisoning.study import Cell, budget_name, effect_metrics, grid, measure_effects, run_cell, verdict

SETTINGS = {"model": {"catboost": {"iterations": 30}}, "decision": {"alert_budget": 0.1, "review_cost_eur": 5.0}}


@pytest.fixture(scope="module")
def study(versions):
    cells = grid(["fraud_to_legit", "legit_to_fraud"], [0.0, 0.9], n_seeds=1, n_placebo=2, seed=1)
    results = [run_cell(cell, versions.training_rows, versions.holdout.features, SETTINGS) for cell in cells]
    return cells, results


def test_grid_holds_reference_placebo_and_every_combination():
    cells = grid(["a", "b"], [0.02, 0.2], n_seeds=3, n_placebo=2, seed=1)
    assert len(cells) == 1 + 2 + 2 * 2 * 3
    assert len({cell.name for cell in cells}) == len(cells)


def test_budget_names_are_percents():
    assert budget_name("symmetric", 0.2) == "symmetric.20"
    assert budget_name("symmetric", 0.07) == "symmetric.7"


def test_attack_without_a_budget_changes_nothing(study):
    cells, results = study
    by_name = {cell.name: result for cell, result in zip(cells, results, strict=True)}
    np.testing.assert_array_equal(by_name["clean.seed1"]["y_score"], by_name["fraud_to_legit.0.seed1"]["y_score"])


def test_hiding_nearly_all_frauds_is_harm(study, versions):
    cells, results = study
    effects, floor = measure_effects(
        cells, results, versions.holdout, decision=SETTINGS["decision"], n_replicates=200, seed=0
    )
    change = effects["fraud_to_legit.90"].metrics["average_precision_change"]
    assert change.high < -floor
    assert verdict(change, floor) == "harm"
    assert effects["fraud_to_legit.0"].metrics["average_precision_change"] == Interval(0.0, 0.0, 0.0)


def test_metrics_carry_the_names_of_attack_budget_and_defence(study, versions):
    cells, results = study
    effects, floor = measure_effects(
        cells, results, versions.holdout, decision=SETTINGS["decision"], n_replicates=20, seed=0
    )
    flat = effect_metrics(effects, floor)
    assert flat["placebo.average_precision_floor"] == floor > 0
    assert "placebo" not in effects
    assert {"clean.none.average_precision", "legit_to_fraud.90.none.expected_cost_eur"} <= set(flat)
    assert flat["legit_to_fraud.90.false_fraud_share"] > 0.9


def test_placebo_sees_fewer_rows_and_true_labels(versions):
    placebo = run_cell(Cell("placebo", 0.0, 2, 2), versions.training_rows, versions.holdout.features, SETTINGS)
    assert placebo["n_changed"] == 0


def test_verdict_needs_more_than_the_noise_floor():
    assert verdict(Interval(-0.10, -0.15, -0.05), 0.02) == "harm"
    assert verdict(Interval(0.10, 0.05, 0.15), 0.02) == "gain"
    assert verdict(Interval(-0.05, -0.10, -0.01), 0.02) == "insufficient evidence"
    assert verdict(Interval(-0.02, -0.03, -0.01), 0.02) == "none"
