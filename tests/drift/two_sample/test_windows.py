import numpy as np
import pytest

from fraud_core.drift.two_sample.univariate import compare_category
from fraud_core.drift.two_sample.windows import alarms, compare_windows, prepare_window

NAMES = list("abcdef")


def window_state(reference, current, rng):
    prepared = prepare_window(reference, NAMES, n_bins=10, rng=rng)
    return compare_windows(
        prepared, current, psi_threshold=0.1, domain_threshold=0.6, alpha=0.05, rng=rng
    )


class TestWindow:
    def test_nothing_small_and_large(self, rng):
        reference = rng.normal(size=(6000, 6))
        assert window_state(reference, rng.normal(size=(6000, 6)), rng).state == "stable"
        # all features move by a twentieth of a deviation: certain together, far too small to matter
        assert (
            window_state(reference, rng.normal(0.08, 1, size=(6000, 6)), rng).state == "significant"
        )
        assert window_state(reference, rng.normal(0.5, 1, size=(6000, 6)), rng).state == "material"

    def test_too_few_rows_are_unknown_whatever_they_hold(self, rng):
        assert (
            window_state(rng.normal(size=(500, 6)), rng.normal(9, 1, size=(50, 6)), rng).state
            == "insufficient_data"
        )


class TestWrongInput:
    """A stated result or an error, never "no drift" by accident."""

    def test_constant_column_is_stable_and_drifts_when_it_moves(self, rng):
        reference, current = rng.normal(size=(2000, 6)), rng.normal(size=(2000, 6))
        reference[:, 2] = current[:, 2] = 7.0
        assert window_state(reference, current, rng).state == "stable"
        current[:, 2] = 7.5
        found = window_state(reference, current, rng)
        assert found.state == "material"
        assert [drift.feature for drift in found.features if drift.state == "material"] == ["c"]

    def test_column_without_values_is_unknown_and_the_others_are_judged(self, rng):
        reference, current = rng.normal(size=(2000, 6)), rng.normal(size=(2000, 6))
        reference[:, 2] = current[:, 2] = np.nan
        current[:, 4] += 1.0
        found = window_state(reference, current, rng)
        assert (found.state, found.features[2].state, found.features[4].state) == (
            "material",
            "insufficient_data",
            "material",
        )
        prepared = prepare_window(reference, NAMES, n_bins=10, rng=rng)
        assert alarms(prepared, current, alpha=0.05, rng=rng)["features"]

    def test_window_without_any_value_is_unknown(self, rng):
        nothing = np.full((500, 6), np.nan)
        assert window_state(nothing, nothing, rng).state == "insufficient_data"

    @pytest.mark.parametrize("vanishes", [True, False])
    def test_column_that_vanishes_or_appears_is_material(self, rng, vanishes):
        full, gap = rng.normal(size=(1000, 6)), rng.normal(size=(1000, 6))
        gap[:, 1] = np.nan
        found = window_state(*((full, gap) if vanishes else (gap, full)), rng)
        assert (found.state, found.features[1].state) == ("material", "material")

    def test_one_row_is_unknown_and_no_row_is_an_error(self, rng):
        reference = rng.normal(size=(500, 6))
        assert window_state(reference, reference[:1], rng).state == "insufficient_data"
        assert window_state(reference[:1], reference, rng).state == "insufficient_data"
        with pytest.raises(ValueError, match="at least one row"):
            window_state(reference, reference[:0], rng)

    def test_another_number_of_columns_and_infinity_are_errors(self, rng):
        reference = rng.normal(size=(500, 6))
        with pytest.raises(ValueError, match="expected 6 columns"):
            window_state(reference, reference[:, :5], rng)
        broken = reference.copy()
        broken[3, 3] = -np.inf
        with pytest.raises(ValueError, match="current, d: expected finite"):
            window_state(reference, broken, rng)

    def test_new_category_by_itself_makes_a_window_material(self, rng):
        reference, current = rng.normal(size=(1000, 6)), rng.normal(size=(1000, 6))
        category = compare_category("country", ["FR"] * 1000, ["FR"] * 700 + ["XX"] * 300)
        prepared = prepare_window(reference, NAMES, n_bins=10, rng=rng)
        found = compare_windows(
            prepared,
            current,
            psi_threshold=0.1,
            domain_threshold=0.6,
            alpha=0.05,
            rng=rng,
            categories=[category],
        )
        assert found.state == "material"
        assert [drift.feature for drift in found.features if drift.state == "material"] == [
            "country"
        ]


def test_one_budget_is_shared_by_all_tests():
    from fraud_core.drift.two_sample.windows import FEATURE_SHARE, WINDOW_SHARE

    assert FEATURE_SHARE + 2 * WINDOW_SHARE == 1.0
