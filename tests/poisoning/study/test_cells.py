import numpy as np

from fraud_core.poisoning.defences.nearest_neighbours import nearest_neighbours
from fraud_core.poisoning.study.cells import (
    Part,
    grid,
    neighbour_part,
    simulated_sources,
)
from fraud_core.poisoning.study.conditions import CLEAN


def test_grid_holds_reference_null_run_and_every_combination():
    cells = grid({"a": [0.02, 0.2], "b": [0.5]}, n_seeds=3, n_null_runs=2, seed=1)
    assert len(cells) == 3 + 2 + 3 * 3
    assert len({cell.name for cell in cells}) == len(cells)


def test_simulated_sources_take_turns():
    names, counts = np.unique(simulated_sources(60), return_counts=True)
    assert len(names) == 6
    assert set(counts) == {10}


def test_each_draw_has_a_clean_training_of_its_seed():
    cells = grid({"a": [0.02, 0.2]}, n_seeds=3, n_null_runs=1, seed=5)
    clean = {cell.fit_seed for cell in cells if cell.condition == CLEAN}
    assert {cell.fit_seed for cell in cells if cell.condition.is_attack} == clean == {5, 6, 7}


def test_parts_of_the_neighbours_are_those_of_all_rows(rng):
    features = rng.normal(size=(50, 2))
    parts = [neighbour_part(Part(number, 3), features) for number in range(3)]
    neighbours, distance = nearest_neighbours(features)
    np.testing.assert_array_equal(np.concatenate([p["neighbours"] for p in parts]), neighbours)
    np.testing.assert_allclose(
        np.concatenate([p["distance"] for p in parts]), distance, rtol=1e-5, atol=1e-6
    )
