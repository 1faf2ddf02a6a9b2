"""The codec of the store of finished cells: what comes back is what went in."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from fraud_core.pipeline.execution.run_codec import decode_run, encode_run
from fraud_core.poisoning.study.run_results import (
    AttackFigures,
    DefendedRun,
    Recovery,
    RunResult,
    ScanFigures,
)

ATTACK = AttackFigures(3, 0.25, 120.5)
MODEL = DefendedRun(np.array([0.5, -1.5], "f4"), 0.4, 0.7)
STAMPED = DefendedRun(np.array([0.5, -1.5], "f4"), 0.4, 0.7, 5, 4, np.array([-9.0, -9.0], "f4"))
QUIET = ScanFigures(False, False, False, 0, 0.0, 0.0)
LOUD = ScanFigures(
    True, True, False, 9, 0.02, 0.5, 0.8, None, Recovery(4, np.array([1, 2]), np.array([1, 2, 7]))
)
RUNS = {
    "trained only": RunResult(ATTACK, None, {"none": MODEL}),
    "scanned only": RunResult(ATTACK, QUIET, {"none": MODEL}),
    "all there is": RunResult(
        ATTACK, LOUD, {"none": MODEL, "out_of_fold": STAMPED, "policy": STAMPED}, True
    ),
    "not cleaned": RunResult(ATTACK, QUIET, {"policy": MODEL, "none": MODEL}, False),
}


def assert_same(left, right):
    assert type(left) is type(right)
    if is_dataclass(left):
        for field in fields(left):
            assert_same(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, dict):
        assert list(left) == list(right)
        for name in left:
            assert_same(left[name], right[name])
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    else:
        assert left == right


@pytest.mark.parametrize("name", RUNS)
def test_round_trip(name):
    assert_same(decode_run(encode_run(RUNS[name])), RUNS[name])


@pytest.mark.parametrize("name", RUNS)
def test_round_trip_through_a_file_without_pickle(name, tmp_path):
    np.savez(tmp_path / "run.npz", **encode_run(RUNS[name]))
    with np.load(tmp_path / "run.npz", allow_pickle=False) as arrays:
        assert_same(decode_run(dict(arrays)), RUNS[name])
