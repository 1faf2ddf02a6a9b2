import numpy as np
import pytest
from scipy import stats

from fraud_core.drift.two_sample.multivariate import (
    domain_classifier,
    normal_scores,
    prepare_scores,
    reconstruction_error,
)


class TestMultivariate:
    def test_area_agrees_with_scikit_learn(self, rng):
        from sklearn.metrics import roc_auc_score

        from fraud_core.drift.two_sample.multivariate import _area

        a, b = rng.normal(size=400).round(1), rng.normal(0.5, 1, size=300).round(1)
        expected = roc_auc_score(np.repeat([0, 1], [400, 300]), np.concatenate([a, b]))
        assert _area(a, b)[0] == pytest.approx(expected)

    def test_classifier_sees_a_change_of_spread_that_leaves_the_mean(self, rng):
        reference = prepare_scores(rng.normal(size=(3000, 4)), rng=rng)
        assert (
            domain_classifier(reference, rng.normal(0, 1.3, size=(3000, 4)), rng=rng).p_value < 1e-6
        )

    def test_reconstruction_sees_a_lost_dependence_that_leaves_every_margin(self, rng):
        base = rng.normal(size=(3000, 2))
        rows = np.hstack([base, base + rng.normal(0, 0.2, (3000, 2))])
        reference = prepare_scores(rows[:1500], rng=rng)
        broken = np.column_stack([rng.permutation(column) for column in rows[1500:].T])
        assert reconstruction_error(reference, broken).effect.ci_low > 1
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

    def test_interval_of_the_area_holds_that_of_the_best_line(self):
        """Two normal windows half a deviation apart: no
        classifier beats the area of their difference.
        """
        best, held = stats.norm.cdf(0.5 / np.sqrt(2)), 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            reference = prepare_scores(rng.normal(size=(2000, 3)), rng=rng)
            found = domain_classifier(
                reference, rng.normal(size=(1000, 3)) + np.array([0.5, 0, 0]), rng=rng
            )
            held += not found.effect.excludes(best)
        assert held >= 36

    @pytest.mark.parametrize("n_features", [1, 8])
    def test_p_values_of_unchanged_windows_are_rarely_small(self, n_features):
        """At most the 99.9% bound of a binomial with the nominal rate, for both tests."""
        small = np.zeros(2)
        for seed in range(120):
            rng = np.random.default_rng(seed)
            reference = prepare_scores(rng.standard_t(4, size=(800, n_features)), rng=rng)
            current = rng.standard_t(4, size=(400, n_features))
            tests = (
                domain_classifier(reference, current, rng=rng),
                reconstruction_error(reference, current),
            )
            small += [test.p_value <= 0.05 for test in tests]
        assert small.max() <= stats.binom.ppf(0.999, 120, 0.05)

    def test_monotone_scaling_of_a_column_changes_nothing(self, rng):
        rows, current = rng.normal(size=(1000, 3)), rng.normal(0.2, 1, size=(800, 3))
        plain, scaled = (
            domain_classifier(
                prepare_scores(a, rng=np.random.default_rng(1)), b, rng=np.random.default_rng(2)
            )
            for a, b in (
                (rows, current),
                (rows * [1, 8, 64] + [0, 1, 2], current * [1, 8, 64] + [0, 1, 2]),
            )
        )
        assert plain.effect.value == pytest.approx(scaled.effect.value, abs=1e-3)

    def test_constant_and_empty_columns_hold_nothing_and_break_nothing(self, rng):
        rows = np.column_stack([np.ones(600), np.full(600, np.nan), rng.normal(size=600)])
        reference = prepare_scores(rows, rng=rng)
        assert domain_classifier(reference, rows, rng=rng).p_value > 0.05
        moved = rows + np.array([0.0, 0.0, 1.5])
        assert domain_classifier(reference, moved, rng=rng).p_value < 1e-6

    def test_normal_scores_of_the_reference_are_normal(self, rng):
        rows = rng.lognormal(size=(5000, 1))
        scores = normal_scores(prepare_scores(rows, rng=rng), rows)[:, 0]
        assert stats.kstest(scores, "norm").statistic < 0.02
