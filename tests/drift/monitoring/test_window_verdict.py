import numpy as np
import pytest
from scipy import stats

from fraud_core.drift.monitoring.reference_histogram import build_reference
from fraud_core.drift.monitoring.window_verdict import evaluate_window
from fraud_core.drift.two_sample.binned import compare_counts

THRESHOLDS = {"minimum_rows": 200, "psi_threshold": 0.1, "alpha": 0.05}


def verdict(reference, rows, **changed):
    return evaluate_window(
        reference, reference.count(rows), np.array([len(rows)]), **(THRESHOLDS | changed)
    )


@pytest.fixture
def reference(rng):
    return build_reference(rng.normal(size=(5000, 3)), list("abc"), n_bins=10)


def test_p_values_are_those_of_the_counts_under_one_false_discovery_rate(reference, rng):
    rows = rng.normal(0.05, 1, size=(2000, 3))
    found, counts = verdict(reference, rows), reference.count(rows)
    own = [
        compare_counts(
            reference.expected(k, np.array([2000]))[0], 5000, counts[reference.cells(k)]
        ).p_value
        for k in range(3)
    ]
    assert [drift.p_value for drift in found.variables.values()] == pytest.approx(
        stats.false_discovery_control(own)
    )


def test_worst_variable_decides(reference, rng):
    rows = rng.normal(size=(3000, 3))
    rows[:, 1] += 0.6
    found = verdict(reference, rows)
    assert (found.state, found.material, found.rows) == ("material", ("b",), 3000)


def test_too_few_rows_are_unknown_and_name_no_variable(reference, rng):
    found = verdict(reference, rng.normal(5.0, 1, size=(199, 3)))
    assert (found.state, found.variables, found.material) == ("insufficient_data", {}, ())


def test_column_that_vanishes_is_counted_as_missing_and_is_material(reference, rng):
    rows = rng.normal(size=(1000, 3))
    rows[:, 2] = np.nan
    assert verdict(reference, rows).material == ("c",)


def test_constant_column_is_stable_until_it_moves(rng):
    reference = build_reference(np.ones((1000, 1)), ["x"], n_bins=10)
    assert verdict(reference, np.ones((500, 1))).state == "stable"
    assert verdict(reference, np.full((500, 1), 2.0)).state == "material"


def test_a_thousand_windows_of_five_thousand_unchanged_rows_stay_in_the_budget():
    """Counts of unchanged windows are multinomial, so thirty
    variables of a thousand windows are drawn at once.
    """
    rng = np.random.default_rng(1)
    reference = build_reference(
        rng.normal(size=(100_000, 30)), [f"x{k}" for k in range(30)], n_bins=20
    )
    shares, alarms = np.append(np.full(20, 1 / 20), 0.0), 0
    for _ in range(1000):
        counts = rng.multinomial(5000, shares, size=30).ravel()
        alarms += (
            evaluate_window(reference, counts, np.array([5000]), **THRESHOLDS).state != "stable"
        )
    assert alarms <= stats.binom.ppf(0.999, 1000, 0.05)
