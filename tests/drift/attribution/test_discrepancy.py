import numpy as np
import pytest

from fraud_core.drift.attribution.discrepancy import (
    OF_LABELS,
    DiscrepancyStatistics,
    LabelledWindow,
    _coherence,
    _deviations,
    _expected_frauds,
    measure_discrepancy,
)
from fraud_core.drift.two_sample.multivariate import prepare_scores


class TestEvidence:
    def test_each_cause_shows_where_it_should(self, discrepancy_of):
        assert discrepancy_of("suppressed_labels", 0.6).high_legitimate > 4
        injected, pattern = (
            discrepancy_of("spurious_labels", 1.0),
            discrepancy_of("new_pattern", 1.0),
        )
        assert min(injected.low_fraud, pattern.low_fraud) > 4
        assert pattern.displacement > injected.displacement + 1
        prior = discrepancy_of("label_shift", 2.5)
        assert prior.suspicious > 4
        assert abs(prior.expected) < 3.5
        assert discrepancy_of("covariate", 1.0).features > 5

    def test_unchanged_windows_show_little(self, discrepancy_of):
        found = np.array([discrepancy_of("none", 0.0, seed).high_legitimate for seed in range(10)])
        assert np.abs(found).mean() < 2.5

    def test_label_attacks_leave_the_features_alone(self, discrepancy_of):
        assert discrepancy_of("spurious_labels", 1.0, seed=3).scores < 6

    def test_windows_without_rows_or_frauds_are_errors(self, pool):
        rows = pool.rows
        for bad in (slice(0, 100), slice(1000, 3000)):
            part = LabelledWindow(rows.X[bad], rows.y_observed[bad], rows.probability[bad])
            with pytest.raises(ValueError, match="attribution: expected"):
                measure_discrepancy(part, rows, rng=np.random.default_rng(0))

    def test_a_column_without_any_value_leaves_the_other_figures(self, pool):
        def gap(rows):
            features = rows.X.copy()
            features[:, 4] = np.nan
            return LabelledWindow(features, rows.y_observed, rows.probability)

        found = measure_discrepancy(gap(pool.rows), gap(pool.rows), rng=np.random.default_rng(0))
        assert np.isfinite(found.vector()).all()
        assert found.features == pytest.approx(0.0, abs=1e-6)

    def test_without_labels_keeps_features_and_scores_alone(self):
        blind = DiscrepancyStatistics(*range(1, 12)).without_labels()
        assert (blind.domain, blind.features, blind.scores, blind.suspicious) == (1, 2, 3, 6)
        assert [getattr(blind, name) for name in OF_LABELS] == [0.0] * 7


def test_deviations_by_hand():
    # 130 where 100 were expected from as many reference rows: 30 / sqrt(100 * 2)
    assert _deviations(130, 100, 1.0) == pytest.approx(30 / np.sqrt(200))


def test_deviations_of_counts_that_did_not_change_are_standard_normal(rng):
    drawn = [_deviations(rng.poisson(50), rng.poisson(100) * 0.5, 0.5) for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(0.0, abs=0.06)
    assert np.std(drawn) == pytest.approx(1.0, abs=0.06)


def test_frauds_expected_from_scores_by_hand():
    # frauds score 0.9, half of the rows there; the current window has six such rows and no others
    # of note
    p = np.array([0.1] * 8 + [0.9] * 4)
    reference = LabelledWindow(np.zeros((12, 1)), np.array([0] * 10 + [1] * 2), p)
    current = LabelledWindow(np.zeros((10, 1)), np.zeros(10, int), np.array([0.1] * 4 + [0.9] * 6))
    assert _expected_frauds(reference, current) == pytest.approx(3.0)


def test_frauds_that_lie_together_cohere_and_scattered_ones_do_not(rng):
    features, y = rng.normal(size=(3000, 4)), np.zeros(3000, int)
    scores = prepare_scores(features, rng=rng)
    scattered, together = y.copy(), y.copy()
    scattered[rng.choice(3000, 60, replace=False)] = 1
    together[np.argsort(np.sum((features - 1.0) ** 2, axis=1))[:60]] = 1
    low = np.zeros(3000)
    near, far = (
        _coherence(LabelledWindow(features, each, low), 0.5, scores, rng)
        for each in (together, scattered)
    )
    assert near[0] > 0.5 > abs(far[0])
    assert near[1] > far[1] + 2
