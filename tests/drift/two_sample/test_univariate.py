import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from fraud_core.drift.two_sample.binned import benjamini_hochberg, bin_edges, bin_shares
from fraud_core.drift.two_sample.distances import kolmogorov_smirnov
from fraud_core.drift.two_sample.prepared_reference import prepare_reference
from fraud_core.drift.two_sample.univariate import (
    assign_states,
    compare_category,
    compare_features,
    compare_window,
    population_stability_index,
)

THRESHOLDS = {"n_bins": 10, "psi_threshold": 0.1, "alpha": 0.01}
WIDE = THRESHOLDS | {"alpha": 0.05}


def test_psi_by_hand():
    # two bins at the median: shares 0.5, 0.5 against 0.25, 0.75
    reference, current = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 3.0, 2.0])
    expected = (0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5)
    assert population_stability_index(reference, current, n_bins=2) == pytest.approx(expected)


def test_psi_is_zero_for_identical_windows(rng):
    x = rng.normal(size=500)
    assert population_stability_index(x, x) == 0.0


def test_psi_of_disjoint_windows_is_large_and_finite():
    assert 5 < population_stability_index(np.zeros(100), np.ones(100) * 9) < 100


@given(st.integers(0, 10_000))
def test_psi_ignores_row_order_and_monotone_scaling(seed):
    rng = np.random.default_rng(seed)
    reference, current = rng.normal(size=101), rng.normal(0.3, 1, size=101)
    plain = population_stability_index(reference, current, n_bins=5)
    assert plain >= 0
    assert population_stability_index(
        np.sort(reference) * 8 + 1, current[::-1] * 8 + 1, n_bins=5
    ) == pytest.approx(plain)


def test_constant_feature_has_one_bin_and_no_drift_unless_it_moves():
    assert len(bin_edges(np.ones(50), 10)) == 2
    assert population_stability_index(np.ones(50), np.ones(70)) == 0.0
    assert population_stability_index(np.ones(50), np.zeros(50)) > 1


@pytest.mark.parametrize("bad", [np.array([]), np.array([1.0, np.nan]), np.array([np.inf])])
def test_empty_or_undefined_windows_are_errors_never_no_drift(bad):
    for windows in ((bad, np.ones(3)), (np.ones(3), bad)):
        with pytest.raises(ValueError, match="expected"):
            population_stability_index(*windows)
        with pytest.raises(ValueError, match="expected"):
            kolmogorov_smirnov(*windows)


def test_shares_sum_to_one(rng):
    assert bin_shares(rng.normal(size=77), np.array([-1.0, 0.0, 1.0])).sum() == pytest.approx(1.0)


def test_kolmogorov_smirnov_by_hand():
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([3.0, 4.0]))[0] == 1.0


def test_benjamini_hochberg_by_hand():
    # sorted 0.01, 0.02, 0.03 of three: 0.03, 0.03, 0.03
    np.testing.assert_allclose(benjamini_hochberg(np.array([0.02, 0.01, 0.03])), 0.03)


def test_significant_but_tiny_change_is_significant_and_not_material(rng):
    found = compare_features(
        rng.normal(size=(50_000, 1)), rng.normal(0.05, 1, size=(50_000, 1)), ["x"], **THRESHOLDS
    )[0]
    assert found.p_value < 0.01
    assert found.state == "significant"


def test_large_shift_is_found_in_the_right_column(rng):
    reference, current = rng.normal(size=(3000, 3)), rng.normal(size=(3000, 3))
    current[:, 1] += 0.8
    assert [
        drift.state for drift in compare_features(reference, current, list("abc"), **THRESHOLDS)
    ] == [
        "stable",
        "material",
        "stable",
    ]


def test_window_that_is_too_small_is_unknown(rng):
    found = compare_features(
        rng.normal(size=(3000, 1)), rng.normal(5, 1, size=(50, 1)), ["x"], **THRESHOLDS
    )
    assert found[0].state == "insufficient_data"


class TestUnivariate:
    def test_distances_agree_with_scipy(self, rng):
        a, b = rng.normal(size=700).round(1), rng.normal(0.2, 1.2, size=300).round(1)
        found = compare_features(a[:, None], b[:, None], ["x"], **WIDE)[0]
        assert found.distances["kolmogorov_smirnov"] == pytest.approx(ks_2samp(a, b).statistic)
        assert found.p_value == pytest.approx(ks_2samp(a, b, method="asymp").pvalue)
        assert found.distances["wasserstein"] == pytest.approx(wasserstein_distance(a, b) / a.std())
        shares = [bin_shares(x, bin_edges(a, 10)) for x in (a, b)]
        assert found.distances["jensen_shannon"] == pytest.approx(jensenshannon(*shares, base=2))

    def test_same_missing_share_is_stable_and_more_missing_is_not(self, rng):
        a, b = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 1))
        a[:400], b[:400] = np.nan, np.nan
        assert compare_features(a, b, ["x"], **WIDE)[0].state == "stable"
        b[:1600] = np.nan
        found = compare_features(a, b, ["x"], **WIDE)[0]
        assert found.state == "material"
        assert found.missing_change == pytest.approx(0.3)

    def test_column_that_vanishes_or_appears_is_material_and_one_that_never_was_is_not(self, rng):
        full, empty = rng.normal(size=(500, 1)), np.full((500, 1), np.nan)
        assert compare_features(full, empty, ["x"], **WIDE)[0].state == "material"
        assert compare_features(empty, full, ["x"], **WIDE)[0].state == "material"
        assert compare_features(empty, empty, ["x"], **WIDE)[0].state == "insufficient_data"

    def test_constant_column_is_stable_until_it_moves(self):
        one = np.ones((500, 1))
        assert compare_features(one, one, ["x"], **WIDE)[0].state == "stable"
        assert compare_features(one, 2 * one, ["x"], **WIDE)[0].state == "material"

    def test_category_that_the_reference_does_not_hold_is_drift(self):
        before, after = ["A"] * 500 + ["B"] * 500, ["A"] * 400 + ["B"] * 400 + ["C"] * 200
        judged = assign_states(
            [compare_category("k", before, after)], n_rows=1000, psi_threshold=0.1, alpha=0.05
        )
        assert judged[0].state == "material"

    def test_rows_of_one_window_are_unknown_and_no_row_is_an_error(self, rng):
        a = rng.normal(size=(500, 1))
        assert compare_features(a, a[:1], ["x"], **WIDE)[0].state == "insufficient_data"
        with pytest.raises(ValueError, match="at least one row"):
            compare_features(a, a[:0], ["x"], **WIDE)

    def test_infinity_and_a_wrong_number_of_columns_are_errors(self, rng):
        a = rng.normal(size=(300, 1))
        with pytest.raises(ValueError, match="x: expected finite"):
            prepare_reference(np.where(a > 2, np.inf, a), ["x"], n_bins=5)
        with pytest.raises(ValueError, match="expected 2 columns"):
            prepare_reference(a, ["x", "y"], n_bins=5)


class TestCategories:
    def test_p_value_is_that_of_the_chi_square_test(self):
        before, after = (
            ["A"] * 500 + ["B"] * 300 + [None] * 200,
            ["A"] * 80 + ["B"] * 90 + [None] * 30,
        )
        expected = stats.chi2_contingency([[500, 300, 200], [80, 90, 30]], correction=False).pvalue
        found = compare_category("k", before, after)
        assert found.p_value == pytest.approx(expected)
        assert found.missing_change == pytest.approx(30 / 200 - 0.2)

    def test_order_of_rows_and_names_of_categories_do_not_matter(self):
        before, after = ["A"] * 60 + ["B"] * 40, ["B"] * 30 + ["A"] * 20
        renamed = [
            [{"A": "x", "B": "y"}[value] for value in reversed(side)] for side in (before, after)
        ]
        plain, other = compare_category("k", before, after), compare_category("k", *renamed)
        assert plain.p_value == pytest.approx(other.p_value)
        assert plain.population_stability_index == pytest.approx(other.population_stability_index)

    @pytest.mark.parametrize("sides", [([], ["A"]), (["A"], [])])
    def test_empty_windows_are_errors(self, sides):
        with pytest.raises(ValueError, match="k: expected rows in both windows"):
            compare_category("k", *sides)

    def test_categories_share_the_false_discovery_rate_of_the_numbers(self, rng):
        """One family: the p-value of a category is adjusted for the numbers beside it."""
        numbers, after = rng.normal(size=(800, 9)), rng.normal(size=(800, 9))
        category = compare_category("k", ["A"] * 400 + ["B"] * 400, ["A"] * 460 + ["B"] * 340)
        prepared = prepare_reference(numbers, [str(k) for k in range(9)], n_bins=5)
        found = compare_window(
            prepared, after, psi_threshold=0.1, alpha=0.05, categories=[category]
        )
        own = compare_window(prepared, after, psi_threshold=0.1, alpha=0.05)
        raw = [ks_2samp(numbers[:, k], after[:, k], method="asymp").pvalue for k in range(9)]
        expected = stats.false_discovery_control([*raw, category.p_value])
        assert [one.p_value for one in found] == pytest.approx(expected)
        assert [one.feature for one in found] == [*(str(k) for k in range(9)), "k"]
        assert len(own) == 9

    def test_a_column_without_values_does_not_count_among_the_tests(self, rng):
        a, b = rng.normal(size=(500, 2)), rng.normal(0.2, 1, size=(500, 2))
        alone = compare_features(a, b, ["x", "y"], **WIDE)
        gap = np.full((500, 1), np.nan)
        beside = compare_features(
            np.hstack([gap, a]), np.hstack([gap, b]), ["gone", "x", "y"], **WIDE
        )
        assert beside[0].state == "insufficient_data"
        assert [one.p_value for one in beside[1:]] == [one.p_value for one in alone]
