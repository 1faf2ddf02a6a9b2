import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from fraud_core.drift.two_sample.distances import (
    distance_p_value,
    jensen_shannon,
    kolmogorov_smirnov,
    largest_distance,
    wasserstein,
)


def drawn(seed):
    """Two samples, of unequal size, with ties."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=rng.integers(5, 80)).round(1), rng.normal(
        0.3, 1.5, size=rng.integers(5, 80)
    ).round(1)


@given(st.integers(0, 10_000))
def test_distances_agree_with_scipy(seed):
    a, b = drawn(seed)
    found, p_value = kolmogorov_smirnov(a, b)
    expected = stats.ks_2samp(a, b, method="asymp")
    assert found == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue)
    assert wasserstein(np.sort(a), np.sort(b)) == pytest.approx(stats.wasserstein_distance(a, b))


@given(st.integers(0, 10_000))
def test_jensen_shannon_agrees_with_scipy_and_is_a_distance(seed):
    p, q, r = np.random.default_rng(seed).dirichlet(np.full(5, 0.5), size=3)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p))
    assert jensen_shannon(p, r) <= jensen_shannon(p, q) + jensen_shannon(q, r) + 1e-9


def test_jensen_shannon_limits():
    assert jensen_shannon(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0


@given(st.integers(0, 10_000))
def test_both_samples_give_the_same_distance(seed):
    a, b = (np.sort(x) for x in drawn(seed))
    assert largest_distance(a, b) == pytest.approx(largest_distance(b, a))
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a))


def test_wasserstein_of_a_move_is_the_move(rng):
    a = np.sort(rng.normal(size=300))
    assert wasserstein(a, a) == 0.0
    assert wasserstein(a, a + 0.7) == pytest.approx(0.7)
    assert wasserstein(3 * a, 3 * (a + 0.7)) == pytest.approx(2.1)


def test_p_value_falls_with_distance_and_with_rows():
    assert distance_p_value(0.0, 50, 50) == 1.0
    assert (
        distance_p_value(0.1, 500, 500)
        < distance_p_value(0.1, 100, 100)
        < distance_p_value(0.05, 100, 100)
    )


def test_p_values_of_unchanged_samples_are_uniform():
    rng = np.random.default_rng(0)
    found = [kolmogorov_smirnov(rng.normal(size=400), rng.normal(size=300))[1] for _ in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 1e-3
