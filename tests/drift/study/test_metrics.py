import numpy as np
import pytest

from fraud_core.drift.performance.cbpe import LabelFree
from fraud_core.drift.performance.shift_decomposition import Decomposition
from fraud_core.drift.study.error_rates import Calibration
from fraud_core.drift.study.metrics import (
    calibration_figures,
    label_free_figures,
    performance_figures,
    window_figures,
)
from fraud_core.drift.two_sample.windows import compare_windows, prepare_window
from fraud_core.evaluation.bootstrap import Estimate

HALF = Estimate(0.5, 0.4, 0.6)
LIMITS = {"psi_limit": 0.1, "domain_limit": 0.6, "alpha": 0.05}


def test_window_counts_what_moved_and_names_the_most(rng):
    rows, current = rng.normal(size=(1000, 3)), rng.normal(size=(1000, 3))
    current[:, 1] += 1.0
    prepared = prepare_window(rows, list("abc"), n_bins=10, rng=rng)
    found = window_figures(compare_windows(prepared, current, **LIMITS, rng=rng))
    assert (found["most.feature"], found["features.compared"], found["features.drifted"]) == (
        "b",
        3,
        1,
    )
    assert found["b.state"] == found["window.state"] == "drifted"
    assert found["domain.area"].value > 0.6


def test_unknown_window_has_no_figures_of_the_whole(rng):
    prepared = prepare_window(rng.normal(size=(1000, 3)), list("abc"), n_bins=10, rng=rng)
    found = window_figures(compare_windows(prepared, rng.normal(size=(50, 3)), **LIMITS, rng=rng))
    assert found["window.state"] == "unknown"
    assert not {"domain.area", "reconstruction.error_change"} & set(found)


def test_figures_that_others_rely_on_have_their_names():
    measured = Calibration(HALF, {5000: HALF}, {"psi_010_n2000": HALF}, {"day.same_hours": HALF})
    parts = {"log_loss": Decomposition(0.1, 0.2, HALF, HALF, HALF, HALF, 100.0)}
    change = {"average_precision": HALF}
    free = LabelFree(HALF, HALF, HALF, 20.0, 19)
    found = calibration_figures(measured) | performance_figures(change, change, change, parts)
    found |= label_free_figures(free, free, free)
    assert {
        "aa.false_alarm_rate",
        "aa.5000.false_alarm_rate",
        "power.psi_010_n2000",
        "day.same_hours",
        "v1.average_precision_change",
        "decomposition.log_loss.conditional",
        "cbpe.average_precision_error",
    } <= set(found)
    assert found["decomposition.log_loss.shared_rows"] == pytest.approx(100.0)
    assert np.isfinite(found["cbpe.expected_frauds"])
