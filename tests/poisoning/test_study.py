import numpy as np
import pytest

from fraud_core.model.intervals import Interval
from fraud_core.poisoning.study import (
    Cell,
    budget_name,
    effect_metrics,
    grid,
    measure_effects,
    noise_floor,
    run_cell,
    verdict,
)

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
    effects, _ = measure_effects(
        cells, results, versions.holdout, decision=SETTINGS["decision"], n_replicates=200, seed=0
    )
    change = effects["fraud_to_legit.90"].metrics["average_precision_change"]
    assert change.high < 0
    assert verdict(change, floor=0.0, limit=0.05) == "harm"
    assert effects["fraud_to_legit.90"].metrics["expected_cost_eur_change"].value > 0
    assert effects["fraud_to_legit.0"].metrics["average_precision_change"] == Interval(0.0, 0.0, 0.0)


def test_metrics_carry_the_names_of_attack_budget_and_defence(study, versions):
    cells, results = study
    effects, floor = measure_effects(
        cells, results, versions.holdout, decision=SETTINGS["decision"], n_replicates=20, seed=0
    )
    flat = effect_metrics(effects, floor, limit=0.05)
    assert flat["placebo.average_precision_floor"] == floor["average_precision"] > 0
    assert flat["placebo.expected_cost_eur_floor"] > 0
    assert "placebo" not in effects
    assert {"clean.none.average_precision", "legit_to_fraud.90.none.expected_cost_eur"} <= set(flat)
    assert flat["legit_to_fraud.90.false_fraud_share"] > 0.9


def test_placebo_sees_fewer_rows_and_true_labels(versions):
    placebo = run_cell(Cell("placebo", 0.0, 2, 2), versions.training_rows, versions.holdout.features, SETTINGS)
    assert placebo["n_changed"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Interval(-0.10, -0.15, -0.05), "harm"),
        (Interval(0.10, 0.05, 0.15), "gain"),
        (Interval(-0.05, -0.10, -0.01), "insufficient evidence"),  # the floor widens it over zero
        (Interval(0.0, -0.20, 0.20), "insufficient evidence"),  # a small value alone shows nothing
        (Interval(-0.01, -0.03, 0.01), "none"),
    ],
)
def test_verdict_follows_the_interval_the_floor_and_the_limit(change, words):
    assert verdict(change, floor=0.02, limit=0.05) == words


def test_noise_floor_by_hand_and_without_enough_placebo():
    # t(0.975, 1) = 12.706, standard deviation 0.01·√2, √(1 + 1/2), mean 0.02
    expected = 12.7062 * 0.01 * np.sqrt(2) * np.sqrt(1.5) + 0.02
    assert noise_floor([0.01, 0.03]) == pytest.approx(expected, rel=1e-4)
    assert noise_floor([0.01]) == float("inf")


def test_noise_floor_does_not_grow_with_the_number_of_placebo_trainings(rng):
    few, many = (np.mean([noise_floor(rng.normal(0, 0.01, n)) for _ in range(300)]) for n in (5, 50))
    assert many < few


def test_interval_of_several_draws_is_wider_than_the_sampling_alone(study, versions):
    cells = grid(["fraud_to_legit"], [0.5], n_seeds=3, n_placebo=2, seed=1)
    results = [run_cell(cell, versions.training_rows, versions.holdout.features, SETTINGS) for cell in cells]
    alone = measure_effects(
        [cells[0], cells[3]], [results[0], results[3]], versions.holdout, decision=SETTINGS["decision"],
        n_replicates=200, seed=0,
    )[0]  # fmt: skip
    together = measure_effects(
        cells, results, versions.holdout, decision=SETTINGS["decision"], n_replicates=200, seed=0
    )[0]
    widths = [e["fraud_to_legit.50"].metrics["average_precision_change"] for e in (alone, together)]
    points = [r["y_score"] for c, r in zip(cells, results, strict=True) if c.attack == "fraud_to_legit"]
    assert not np.array_equal(points[0], points[1])
    assert widths[1].high - widths[1].low > 0.5 * (widths[0].high - widths[0].low)
