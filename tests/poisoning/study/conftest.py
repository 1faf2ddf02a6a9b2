"""The small study, run once for all tests of the room: mark
those that use it ``xdist_group("poisoning")``.
"""

import numpy as np
import pytest

from fraud_core.poisoning.detection.monitors import Detectability
from fraud_core.poisoning.study.bench import run_cell
from fraud_core.poisoning.study.cells import Inputs, grid
from fraud_core.poisoning.study.effects import measure_effects
from fraud_core.poisoning.study.measurements import (
    attack_rows,
    effect_rows,
    monitor_rows,
    scan_rows,
    summary_rows,
)
from tests.poisoning.study.toy_study import DECISION, HIDDEN, SETTINGS, STAMPED, UNTOUCHED, table


@pytest.fixture(scope="session")
def study(versions):
    rows = versions.training_rows
    inputs = Inputs(
        rows, versions.holdout.X, np.zeros(len(rows.y_observed)), np.empty(0), np.empty(0)
    )
    cells = grid(
        {"fraud_to_legit": [0.0, 0.9], "backdoor": [0.4]}, n_seeds=1, n_null_runs=2, seed=1
    )
    return cells, [run_cell(cell, inputs, SETTINGS) for cell in cells]


@pytest.fixture(scope="session")
def effects(study, versions):
    return measure_effects(*study, versions.holdout, decision=DECISION, n_replicates=100, seed=0)


@pytest.fixture(scope="session")
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
