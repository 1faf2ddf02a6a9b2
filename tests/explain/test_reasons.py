import subprocess
import sys
from typing import get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.bundle.decider import Code, Reason
from fraud_core.explain.reasons import (
    VOCABULARY,
    WordedReason,
    nearest_values,
    reason_code,
    render_reason,
    single_feature_counterfactual,
    value_cells,
)
from tests.conftest import ROOT
from tests.scoring.test_leaf_tables import random_trees

STEP = np.float32(0.25)


def reason(code="ABOVE_USUAL", feature="Amount", contribution=1.25, value=120.0):
    return Reason(code, feature, contribution, value, (1.0, 90.0))


def test_sentence_by_hand():
    assert render_reason(reason(), 60.0).words == (
        "Amount is 120, above its usual range (1 to 90): +1.25 log-odds; 60 would turn it."
    )


def test_sentence_says_when_no_usual_value_turns_and_nothing_when_none_was_looked_for():
    assert render_reason(reason(), None).words.endswith(
        "+1.25 log-odds; no usual value would turn it."
    )
    assert render_reason(reason()).words.endswith("+1.25 log-odds.")


def test_contribution_that_lowers_the_score_keeps_its_sign():
    assert "-0.50 log-odds" in render_reason(reason(contribution=-0.5)).words


@pytest.mark.parametrize("code", get_args(Code))
def test_vocabulary_is_closed(code):
    assert code in render_reason(reason(code)).code
    assert VOCABULARY[code] in render_reason(reason(code)).words


def test_every_word_of_the_vocabulary_belongs_to_a_code_and_is_its_own():
    assert set(VOCABULARY) == set(get_args(Code))
    assert len(set(VOCABULARY.values())) == len(VOCABULARY)


def test_code_that_is_not_in_the_vocabulary_is_refused():
    with pytest.raises(KeyError, match="RISKY"):
        render_reason(reason("RISKY"))


def test_unknown_states_no_range():
    assert "1 to 90" not in render_reason(reason("UNKNOWN")).words
    assert "1 to 90" in render_reason(reason("USUAL_VALUE")).words


@pytest.mark.parametrize("number", range(1, 29))
def test_principal_components_are_said_to_be_anonymous(number):
    assert render_reason(reason(feature=f"V{number}")).words.startswith(
        f"V{number}, an anonymous component, is"
    )


@pytest.mark.parametrize("name", ["Amount", "Velocity", "V", "VAT1", "V1x", "customer_count_7d"])
def test_features_with_a_name_are_not(name):
    assert "anonymous" not in render_reason(reason(feature=name)).words


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (2.0, -1.0, 1.0, "ABOVE_USUAL"),
        (-2.0, -1.0, 1.0, "BELOW_USUAL"),
        (0.0, -1.0, 1.0, "USUAL_VALUE"),
        (1.0, -1.0, 1.0, "USUAL_VALUE"),
        (-1.0, -1.0, 1.0, "USUAL_VALUE"),
        (5.0, 1.0, 1.0, "UNKNOWN"),
        (float("nan"), -1.0, 1.0, "UNKNOWN"),
        (float("inf"), -1.0, 1.0, "UNKNOWN"),
        (0.0, float("nan"), 1.0, "UNKNOWN"),
    ],
)
def test_code_by_hand_and_at_its_limits(value, low, high, expected):
    assert reason_code(value, low, high) == expected


def test_worded_reason_travels_as_json_and_leaves_out_what_was_not_looked_for():
    sent = [render_reason(reason(), each) for each in (60.0, None, msgspec.UNSET)]
    plain = [msgspec.json.decode(msgspec.json.encode(each)) for each in sent]
    assert [each.get("would_turn_at", "left out") for each in plain] == [60.0, None, "left out"]
    assert [
        msgspec.json.decode(msgspec.json.encode(each), type=WordedReason) for each in sent
    ] == sent


def test_cells_by_hand():
    trees = random_trees(np.random.default_rng(0), 1, 2, 1)
    trees.border[:] = [[0.5, -0.25]]
    first, last = value_cells(trees, 0, -1.0, 1.0)
    assert last.tolist() == [-0.25, 0.5, 1.0]
    assert first[0] == -1.0
    assert first[1:].tolist() == np.nextafter(np.array([-0.25, 0.5], "f4"), np.float32(1)).tolist()


def test_feature_that_no_tree_asks_about_has_one_cell_and_levels_that_are_missing_are_no_border():
    trees = random_trees(np.random.default_rng(0), 2, 2, 1)
    trees.border[:] = np.inf
    assert [part.tolist() for part in value_cells(trees, 0, -1.0, 1.0)] == [[-1.0], [1.0]]
    assert nearest_values(value_cells(trees, 0, -1.0, 1.0), 0.5).tolist() == []
    assert nearest_values(value_cells(trees, 0, -1.0, 1.0), 3.0).tolist() == [1.0]


def test_range_of_one_value_is_tried_as_it_is():
    trees = random_trees(np.random.default_rng(0), 3, 2, 1)
    assert nearest_values(value_cells(trees, 0, 0.25, 0.25), 9.0).tolist() == [0.25]


@given(st.integers(0, 10_000), st.integers(-16, 16), st.integers(-8, 8), st.integers(0, 10))
@settings(max_examples=150)
def test_counterfactual_is_the_nearest_that_turns_and_none_is_overlooked(seed, value, low, width):
    """Borders and values lie on a grid, so that every
    value the trees can distinguish is tried by brute force.
    """
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, 6, 3, 3)
    trees.border[:] = rng.integers(-8, 9, trees.border.shape) * STEP
    row = rng.normal(size=3)
    row[1] = value * STEP
    low, high = float(low * STEP), float((low + width) * STEP)

    def decided(others):
        rows = np.tile(row, (len(others), 1))
        rows[:, 1] = others
        return trees.log_odds(rows) >= 0.0

    own = decided(row[1:2])[0]
    found = single_feature_counterfactual(
        value_cells(trees, 1, low, high), float(row[1]), lambda others: decided(others) != own
    )
    grid = np.arange(low, high + 0.01, 0.25)
    above = np.nextafter(grid.astype("f4"), np.float32(np.inf)).astype(float)
    every = np.concatenate([grid, above[above <= high]])
    turning = every[decided(every) != own]
    if found is None:
        assert len(turning) == 0
    else:
        assert low <= found <= high
        assert decided(np.array([found]))[0] != own
        assert np.abs(turning - row[1]).min() == abs(found - row[1])


def test_reasons_and_their_writer_need_numpy_and_msgspec_alone():
    code = (
        "import sys, fraud_core.explain.reason_writer; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'polars', 'catboost', 'sklearn', 'pandas', 'scipy', 'shap', 'fairlearn', 'matplotlib'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
