import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from fraud_core.drift.monitoring.reference_histogram import build_reference
from fraud_core.drift.two_sample.binned import (
    BinnedDrift,
    benjamini_hochberg,
    bin_edges,
    bin_shares,
    binomial_survival,
    chi_square_survival,
    compare_counts,
)
from fraud_core.drift.two_sample.univariate import population_stability_index


def test_index_by_hand():
    # shares 0.5 and 0.5 against 0.25 and 0.75
    expected = -0.25 * np.log(0.5) + 0.25 * np.log(1.5)
    found = compare_counts(np.array([0.5, 0.5]), 1000, np.array([250, 750]))
    assert found.population_stability_index == pytest.approx(expected)
    assert found.ci_low < expected < found.ci_high


def test_bin_that_is_empty_on_one_side_counts_half_a_row():
    found = compare_counts(np.array([0.5, 0.5]), 100, np.array([50, 0]))
    expected = 0.5 * np.log(2) + (0.01 - 0.5) * np.log(0.01 / 0.5)
    assert found.population_stability_index == pytest.approx(expected)


@given(st.integers(0, 10_000))
def test_order_of_bins_does_not_matter_and_empty_bins_add_nothing(seed):
    rng = np.random.default_rng(seed)
    shares, counts = rng.dirichlet(np.ones(6)), rng.multinomial(300, np.full(6, 1 / 6))
    order = rng.permutation(6)
    plain, turned = (
        compare_counts(shares, 900, counts),
        compare_counts(shares[order], 900, counts[order]),
    )
    padded = compare_counts(np.append(shares, 0.0), 900, np.append(counts, 0))
    for other in (turned, padded):
        assert other.population_stability_index == pytest.approx(plain.population_stability_index)
        assert other.p_value == pytest.approx(plain.p_value)


def test_interval_of_unchanged_windows_reaches_zero():
    rng, shares = np.random.default_rng(0), np.full(10, 0.1)
    lows = [
        compare_counts(
            rng.multinomial(5000, shares) / 5000, 5000, rng.multinomial(1000, shares)
        ).ci_low
        for _ in range(200)
    ]
    assert np.mean(np.array(lows) == 0.0) > 0.93


@pytest.mark.parametrize(("n", "m"), [(300, 50_000), (50_000, 300), (2000, 2000)])
def test_many_rare_categories_raise_no_false_alarm_on_either_side(n, m):
    rng = np.random.default_rng(4)
    shares = 1 / np.arange(1, 150) ** 1.3
    shares /= shares.sum()
    rejected = sum(
        compare_counts(rng.multinomial(n, shares) / n, n, rng.multinomial(m, shares)).p_value
        <= 0.05
        for _ in range(600)
    )
    assert rejected <= stats.binom.ppf(0.999, 600, 0.05)


def test_rare_bin_of_a_small_reference_that_vanishes_is_seen():
    # five of two hundred before and none of a hundred thousand: Fisher's exact test says the same
    found = compare_counts(np.array([195, 5]) / 200, 200, np.array([100_000, 0]))
    expected = stats.fisher_exact([[195, 5], [100_000, 0]]).pvalue
    assert found.p_value < 1e-9
    assert expected < 1e-9


def test_state_needs_significance_and_size():
    significant_small, significant_large = (
        BinnedDrift(0.03, 0.02, 0.04, 1e-6),
        BinnedDrift(0.09, 0.06, 0.12, 1e-6),
    )
    large_not_significant = BinnedDrift(0.5, 0.0, 1.0, 0.3)
    states = [
        d.state(psi_threshold=0.1, alpha=0.05)
        for d in (significant_small, significant_large, large_not_significant)
    ]
    assert states == ["significant", "material", "stable"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_agree_with_scipy_and_tests_that_were_not_made_do_not_count(values):
    expected = stats.false_discovery_control(values)
    np.testing.assert_allclose(benjamini_hochberg(np.array(values)), expected)
    with_gap = benjamini_hochberg(np.array([np.nan, *values, np.nan]))
    assert np.isnan(with_gap[[0, -1]]).all()
    np.testing.assert_allclose(with_gap[1:-1], expected)


def test_no_test_at_all_has_no_adjusted_p_value():
    assert np.isnan(benjamini_hochberg(np.array([np.nan, np.nan]))).all()
    assert len(benjamini_hochberg(np.array([]))) == 0


@given(st.integers(0, 10_000), st.integers(2, 30))
def test_bins_hold_about_equal_shares_of_the_reference_and_every_value(seed, n_bins):
    values = np.random.default_rng(seed).normal(size=600)
    shares = bin_shares(values, bin_edges(values, n_bins))
    assert shares.sum() == pytest.approx(1.0)
    assert shares == pytest.approx(1 / n_bins, abs=2 / 600)


def test_value_that_takes_a_third_of_the_rows_has_a_bin_of_its_own(rng):
    values = np.append(np.zeros(300), rng.uniform(1, 2, 600))
    edges = bin_edges(values, 10)
    assert bin_shares(values, edges)[:2] == pytest.approx([0.0, 1 / 3])
    assert bin_shares(np.full(5, -1.0), edges)[0] == 1.0


class TestCounts:
    @given(st.floats(0, 400), st.integers(1, 200))
    def test_chi_square_agrees_with_scipy(self, statistic, degrees_of_freedom):
        assert chi_square_survival(statistic, degrees_of_freedom) == pytest.approx(
            stats.chi2.sf(statistic, degrees_of_freedom), rel=1e-8, abs=1e-12
        )

    @given(st.integers(0, 40), st.integers(1, 60), st.floats(0.001, 0.999))
    def test_binomial_agrees_with_scipy(self, successes, more, p):
        trials = successes + more
        assert binomial_survival(successes, trials, p) == pytest.approx(
            stats.binom.sf(successes - 1, trials, p), abs=1e-9
        )

    def test_homogeneity_agrees_with_scipy(self):
        before, after = np.array([500, 300, 200]), np.array([90, 70, 40])
        expected = stats.chi2_contingency([before, after], correction=False).pvalue
        assert compare_counts(before / 1000, 1000, after).p_value == pytest.approx(expected)

    def test_benjamini_hochberg_agrees_with_scipy(self, rng):
        p_values = rng.random(31) ** 3
        np.testing.assert_allclose(
            benjamini_hochberg(p_values), stats.false_discovery_control(p_values)
        )

    def test_index_is_that_of_the_batch_function(self, rng):
        reference, current = rng.normal(size=5000), rng.normal(0.3, 1, size=900)
        found = build_reference(reference[:, None], ["x"], n_bins=10)
        shares, rows = found.expected(0, np.array([900]))
        index = compare_counts(
            shares, rows, found.count(current[:, None])
        ).population_stability_index
        assert index == pytest.approx(population_stability_index(reference, current, n_bins=10))

    def test_interval_holds_the_true_index_in_95_of_100_windows(self, rng):
        before, after = np.full(20, 0.05), np.linspace(0.02, 0.08, 20)
        truth = np.sum((after - before) * np.log(after / before))
        held = 0
        for _ in range(1000):
            shares = rng.multinomial(20_000, before) / 20_000
            found = compare_counts(shares, 20_000, rng.multinomial(2000, after))
            held += found.ci_low <= truth <= found.ci_high
        assert 0.93 < held / 1000 <= 0.985

    def test_one_value_never_seen_before_is_no_alarm_and_many_are(self):
        shares = np.array([0.5, 0.5, 0.0])
        assert compare_counts(shares, 140_000, np.array([1000, 999, 1])).p_value > 0.01
        assert compare_counts(shares, 140_000, np.array([990, 990, 20])).p_value < 1e-9

    @pytest.mark.parametrize(("rows", "counts"), [(0, [1, 1]), (10, [0, 0])])
    def test_an_empty_side_is_an_error(self, rows, counts):
        with pytest.raises(ValueError, match="expected rows on both sides"):
            compare_counts(np.array([0.5, 0.5]), rows, np.array(counts))
