import numpy as np
import pytest

from fraud_core.drift.calibration import calibrate, false_alarm_rate
from fraud_core.drift.changes import stability_index
from fraud_core.drift.distances import jensen_shannon, wasserstein
from fraud_core.drift.multivariate import domain_classifier, prepare_scores, reconstruction_error
from fraud_core.drift.univariate import (
    compare_category,
    compare_features,
    conclude,
    population_stability_index,
    prepare_reference,
)
from fraud_core.drift.window import compare_windows, prepare_window

LIMITS = {"n_bins": 10, "psi_limit": 0.1, "alpha": 0.05}
NAMES = list("abcdef")


def window_state(reference, current, rng):
    prepared = prepare_window(reference, NAMES, n_bins=10, rng=rng)
    return compare_windows(prepared, current, psi_limit=0.1, domain_limit=0.6, alpha=0.05, rng=rng)


class TestUnivariate:
    def test_distances_agree_with_scipy(self, rng):
        from scipy.spatial.distance import jensenshannon
        from scipy.stats import ks_2samp, wasserstein_distance

        a, b = rng.normal(size=700).round(1), rng.normal(0.2, 1.2, size=300).round(1)
        found = compare_features(a[:, None], b[:, None], ["x"], **LIMITS)[0]
        assert found.kolmogorov_smirnov == pytest.approx(ks_2samp(a, b).statistic)
        assert found.p_value == pytest.approx(ks_2samp(a, b, method="asymp").pvalue)
        assert wasserstein(np.sort(a), np.sort(b)) == pytest.approx(wasserstein_distance(a, b))
        p, q = np.array([0.2, 0.8, 0.0]), np.array([0.1, 0.4, 0.5])
        assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2))

    def test_same_missing_share_is_stable_and_more_missing_is_not(self, rng):
        a, b = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 1))
        a[:400], b[:400] = np.nan, np.nan
        assert compare_features(a, b, ["x"], **LIMITS)[0].state == "stable"
        b[:1600] = np.nan
        found = compare_features(a, b, ["x"], **LIMITS)[0]
        assert found.state == "drifted"
        assert found.missing_change == pytest.approx(0.3)

    def test_column_that_vanishes_or_appears_has_drifted_and_one_that_never_was_is_unknown(self, rng):
        full, empty = rng.normal(size=(500, 1)), np.full((500, 1), np.nan)
        assert compare_features(full, empty, ["x"], **LIMITS)[0].state == "drifted"
        assert compare_features(empty, full, ["x"], **LIMITS)[0].state == "drifted"
        assert compare_features(empty, empty, ["x"], **LIMITS)[0].state == "unknown"

    def test_constant_column_is_stable_until_it_moves(self):
        one = np.ones((500, 1))
        assert compare_features(one, one, ["x"], **LIMITS)[0].state == "stable"
        assert compare_features(one, 2 * one, ["x"], **LIMITS)[0].state == "drifted"

    def test_category_that_the_reference_does_not_hold_is_drift(self):
        before, after = ["A"] * 500 + ["B"] * 500, ["A"] * 400 + ["B"] * 400 + ["C"] * 200
        judged = conclude([compare_category("k", before, after)], n_rows=1000, psi_limit=0.1, alpha=0.05)
        assert judged[0].state == "drifted"

    def test_rows_of_one_window_are_unknown_and_no_row_is_an_error(self, rng):
        a = rng.normal(size=(500, 1))
        assert compare_features(a, a[:1], ["x"], **LIMITS)[0].state == "unknown"
        with pytest.raises(ValueError, match="at least one row"):
            compare_features(a, a[:0], ["x"], **LIMITS)

    def test_infinity_and_a_wrong_number_of_columns_are_errors(self, rng):
        a = rng.normal(size=(300, 1))
        with pytest.raises(ValueError, match="x: expected finite"):
            prepare_reference(np.where(a > 2, np.inf, a), ["x"], n_bins=5)
        with pytest.raises(ValueError, match="expected 2 columns"):
            prepare_reference(a, ["x", "y"], n_bins=5)


class TestMultivariate:
    def test_area_agrees_with_scikit_learn(self, rng):
        from sklearn.metrics import roc_auc_score

        from fraud_core.drift.multivariate import _area

        a, b = rng.normal(size=400).round(1), rng.normal(0.5, 1, size=300).round(1)
        expected = roc_auc_score(np.repeat([0, 1], [400, 300]), np.concatenate([a, b]))
        assert _area(a, b)[0] == pytest.approx(expected)

    def test_classifier_sees_a_change_of_spread_that_leaves_the_mean(self, rng):
        reference = prepare_scores(rng.normal(size=(3000, 4)), rng=rng)
        assert domain_classifier(reference, rng.normal(0, 1.3, size=(3000, 4)), rng=rng).p_value < 1e-6

    def test_reconstruction_sees_a_lost_dependence_that_leaves_every_margin(self, rng):
        base = rng.normal(size=(3000, 2))
        rows = np.hstack([base, base + rng.normal(0, 0.2, (3000, 2))])
        reference = prepare_scores(rows[:1500], rng=rng)
        broken = np.column_stack([rng.permutation(column) for column in rows[1500:].T])
        assert reconstruction_error(reference, broken).effect.low > 1
        assert reconstruction_error(reference, rows[1500:]).p_value > 1e-3

    def test_small_windows_are_unknown(self, rng):
        reference = prepare_scores(rng.normal(size=(500, 3)), rng=rng)
        assert domain_classifier(reference, rng.normal(size=(199, 3)), rng=rng) is None
        assert reconstruction_error(reference, rng.normal(size=(199, 3))) is None

    def test_gaps_that_appear_are_seen(self, rng):
        reference = prepare_scores(rng.normal(size=(2000, 3)), rng=rng, with_missing=[0])
        current = rng.normal(size=(2000, 3))
        current[:600, 0] = np.nan
        assert domain_classifier(reference, current, rng=rng).p_value < 1e-6


class TestWindow:
    def test_nothing_small_and_large(self, rng):
        reference = rng.normal(size=(6000, 6))
        assert window_state(reference, rng.normal(size=(6000, 6)), rng).state == "stable"
        # all features move by a twentieth of a deviation: certain together, far too small to matter
        assert window_state(reference, rng.normal(0.08, 1, size=(6000, 6)), rng).state == "moved"
        assert window_state(reference, rng.normal(0.5, 1, size=(6000, 6)), rng).state == "drifted"

    def test_too_few_rows_are_unknown_whatever_they_hold(self, rng):
        assert window_state(rng.normal(size=(500, 6)), rng.normal(9, 1, size=(50, 6)), rng).state == "unknown"

    def test_false_alarms_on_few_rows_stay_in_their_budget(self, rng):
        """A small reference is the hard case: what is fitted on it fits it better than any other rows."""
        rates = [
            false_alarm_rate(
                rng.standard_t(3, size=(1500, 6)), NAMES, n_rows=300, n_windows=2, n_bins=10, alpha=0.05, rng=rng
            )
            for _ in range(60)
        ]  # fmt: skip
        assert np.mean([rate["any"].value for rate in rates]) < 0.12

    def test_more_rows_than_half_of_the_pool_are_refused(self, rng):
        with pytest.raises(ValueError, match="at most half"):
            false_alarm_rate(rng.normal(size=(100, 6)), NAMES, n_rows=60, n_windows=1, n_bins=5, alpha=0.05, rng=rng)


def test_tilted_feature_has_the_index_that_was_asked_for(rng):
    reference = rng.normal(size=(50_000, 1))
    changed = stability_index(0.1, reference, n_bins=10)(reference.copy(), rng)
    assert population_stability_index(reference[:, 0], changed[:, 0]) == pytest.approx(0.1, abs=0.01)


def test_power_and_night_on_simulated_days(rng):
    n = 24_000
    hour = np.arange(n) % 24
    rows = rng.normal(size=(n, 6)) + np.sin(hour / 24 * 2 * np.pi)[:, None]
    found = calibrate(
        rows, rng.normal(size=(n, 6)), hour, NAMES, aa_windows={500: 10}, power_rows=5000, power_windows=10,
        limits={"n_bins": 10, "psi_limit": 0.1, "alpha": 0.05}, rng=rng,
    )  # fmt: skip
    assert found.power["one_feature"].value == 1.0
    assert found.power["some_rows"].value == 1.0
    assert found.by_hours["night.whole_day"].value == 1.0
    assert found.by_hours["night.same_hours"].value <= 0.3
    assert found.by_hours["day.same_hours"].value <= 0.3
