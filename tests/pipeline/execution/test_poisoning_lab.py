import numpy as np
import pytest

from fraud_core.pipeline.execution.poisoning_lab import gate_on_sets, monitor_attacks, needed_for
from fraud_core.poisoning.study.cells import Cell, grid
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.run_results import AttackFigures, RunResult, ScanFigures

FALSE, MORE_FALSE = Condition("legit_to_fraud", 0.02), Condition("legit_to_fraud", 0.2)
HIDDEN = Condition("fraud_to_legit", 0.5)
MONITORS = {"false_alarm_rate": 0.01, "n_reviewed": 200, "honest_error_rate": 0.01}


def scanned(alarmed):
    scan = ScanFigures(alarmed, False, False, 0, 0.0, 0.0)
    return RunResult(AttackFigures(0, 0.0, 0.0), scan)


def figures(*runs):
    cells = [Cell(condition, seed, seed) for condition, seed, _ in runs]
    rows = gate_on_sets(cells, [scanned(alarmed) for *_, alarmed in runs])
    return {row.metric: row.value for row in rows}


def test_gate_is_asked_of_the_first_draw_of_each_set_of_false_frauds():
    found = figures(
        (CLEAN, 1, False),
        (CLEAN, 2, True),
        (NULL_RUN, 1, True),
        (FALSE, 1, False),
        (FALSE, 2, True),
        (MORE_FALSE, 1, True),
        (HIDDEN, 1, True),
    )
    assert found == {
        "gate_poisoned_sets": 2,
        "gate_poisoned_sets_refused": 1,
        "gate_clean_promoted": 1,
    }


def test_alarm_on_clean_labels_keeps_the_clean_candidate_out():
    assert figures((CLEAN, 1, True))["gate_clean_promoted"] == 0


@pytest.mark.parametrize(
    ("defence", "needed"),
    [
        ("none", ["none"]),
        ("trusted_loss", ["none", "trusted_loss"]),
        ("policy", ["none", "out_of_fold", "policy"]),
    ],
)
def test_defence_comes_with_what_it_is_compared_with_or_chosen_from(defence, needed):
    assert needed_for(defence) == needed


def test_monitors_are_tried_on_every_attack_in_the_order_of_the_study(versions):
    attacks = {"legit_to_fraud": [0.5], "fraud_to_legit": [0.0]}
    cells = grid(attacks, n_seeds=2, n_null_runs=2, seed=1)
    found = monitor_attacks(cells, versions, MONITORS, seed=0, n_simulations=300)
    assert [condition.attack for condition in found] == list(attacks)
    flooded, untouched = found.values()
    assert flooded.prevalence_chart == flooded.either == 1.0
    assert untouched.prevalence_chart < 0.1
    assert np.isclose(untouched.label_monitor, 0.0, atol=0.1)
