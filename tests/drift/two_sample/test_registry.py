import numpy as np
import pytest

from fraud_core.drift.two_sample.registry import STATISTICS, distances, statistic_rows
from fraud_core.drift.two_sample.statistic import FeaturePair
from fraud_core.drift.two_sample.univariate import compare_category, compare_features
from tests.conftest import ROOT

EMPTY = np.empty(0)


def pair(rng, shift):
    before, after = np.sort(rng.normal(size=500)), np.sort(rng.normal(size=500) + shift)
    cuts = [-np.inf, -1, 0, 1, np.inf]
    shares = [np.append(np.histogram(values, cuts)[0] / 500, 0.0) for values in (before, after)]
    return FeaturePair(before, after, *shares)


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda statistic: statistic.name)
def test_every_statistic_is_0_for_equal_windows_and_grows_with_the_shift(statistic, rng):
    same = pair(rng, 0.0)
    equal = FeaturePair(
        same.reference, same.reference, same.reference_shares, same.reference_shares
    )
    assert statistic.measure(equal) == pytest.approx(0.0, abs=1e-12)
    assert 0 < statistic.measure(pair(rng, 0.5)) < statistic.measure(pair(rng, 2.0))


def test_names_are_unique_and_a_category_has_those_of_its_shares():
    names = [statistic.name for statistic in STATISTICS]
    assert len(set(names)) == len(names)
    category = distances(FeaturePair(EMPTY, EMPTY, np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    for statistic in STATISTICS:
        assert (category[statistic.name] > 0) == statistic.of_categories


def test_features_and_categories_carry_every_statistic(rng):
    drifts = compare_features(
        rng.normal(size=(300, 1)),
        rng.normal(size=(300, 1)),
        ["x"],
        n_bins=5,
        psi_threshold=0.1,
        alpha=0.05,
    )
    drifts.append(compare_category("c", ["a"] * 300, ["b"] * 300))
    for drift in drifts:
        assert list(drift.distances) == [statistic.name for statistic in STATISTICS]


def test_the_page_of_drift_lists_every_statistic():
    page = (ROOT / "docs" / "drift.md").read_text(encoding="utf-8")
    for row in statistic_rows():
        assert f"| {row['statistic']} | {row['what it measures']} |" in page
