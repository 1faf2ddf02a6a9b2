import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.drift.monitoring.reference_histogram import (
    Reference,
    build_reference,
    reference_of_bundle,
)
from fraud_core.drift.two_sample.binned import bin_edges, bin_shares
from fraud_core.errors import BundleError


class TestReference:
    @settings(max_examples=40)
    @given(st.integers(0, 10_000), st.booleans())
    def test_counting_is_the_same_as_shares_of_the_batch_function(self, seed, ties):
        rng = np.random.default_rng(seed)
        reference, rows = rng.normal(size=(300, 2)), rng.normal(size=(57, 2))
        if ties:
            reference, rows = reference.round(), rows.round()
        found = build_reference(reference, ["a", "b"], n_bins=7)
        counts = found.count(rows)
        for k in range(2):
            expected = bin_shares(rows[:, k], bin_edges(reference[:, k], 7)) * 57
            np.testing.assert_allclose(counts[found.cells(k)][:-1], expected)

    def test_missing_and_infinite_values_are_counted_apart(self):
        found = build_reference(np.arange(10.0)[:, None], ["x"], n_bins=2)
        assert found.count(np.array([[np.nan], [np.inf], [-np.inf], [np.nan]])).tolist() == [
            1,
            1,
            2,
        ]

    def test_constant_column_that_moves_is_seen(self):
        found = build_reference(np.ones((500, 1)), ["x"], n_bins=10)
        assert found.count(np.full((3, 1), 2.0)).tolist() == [0, 0, 3, 0]

    def test_column_without_a_value_is_an_error(self):
        with pytest.raises(ValueError, match="gone: expected values"):
            build_reference(np.full((9, 1), np.nan), ["gone"], n_bins=3)

    def test_bundle_reference_takes_the_order_of_the_model(self, rng):
        def described(values):
            edges = bin_edges(values, 5)
            return {
                "edges": edges.tolist(),
                "shares": bin_shares(values, edges).tolist(),
                "rows": len(values),
            }

        a, b, score = rng.normal(size=100), rng.normal(5, 1, size=100), rng.random(50)
        found = reference_of_bundle(
            {"features": {"a": described(a), "b": described(b)}, "score": described(score)},
            ["b", "a"],
        )
        assert found.names == ("b", "a", "score")
        np.testing.assert_array_equal(
            found.count(np.column_stack([b, a, np.zeros(100)]))[:12], found.counts[0, :12]
        )

    def test_bundle_reference_that_lacks_a_feature_is_an_error(self):
        with pytest.raises(BundleError, match="x: expected edges"):
            reference_of_bundle(
                {"features": {}, "score": {"edges": [], "shares": [1.0], "rows": 9}}, ["x"]
            )

    def test_hours_are_mixed_as_the_window_holds_them_by_hand(self):
        # two strata of 10 and 40 rows with shares 0.8 and 0.2 in the first bin; the window holds
        # one row to three
        found = Reference(("x",), (np.array([0.0]),), np.array([[8, 2, 0], [8, 32, 0]]))
        shares, rows = found.expected(0, np.array([100, 300]))
        assert shares[0] == pytest.approx(0.25 * 0.8 + 0.75 * 0.2)
        # variance 0.25 ** 2 / 10 + 0.75 ** 2 / 40, as of so many rows
        assert rows == pytest.approx(1 / (0.25**2 / 10 + 0.75**2 / 40))

    def test_window_in_an_hour_that_the_reference_lacks_has_nothing_to_rest_on(self):
        found = Reference(("x",), (np.array([0.0]),), np.array([[8, 2, 0], [0, 0, 0]]))
        assert found.expected(0, np.array([5, 1]))[1] == 0.0
        assert found.expected(0, np.array([5, 0]))[1] == pytest.approx(10.0)

    def test_digest_is_of_names_edges_and_counts(self, rng):
        rows = rng.normal(size=(100, 1))
        plain, same = (build_reference(rows, ["x"], n_bins=5) for _ in range(2))
        others = [
            build_reference(rows, ["y"], n_bins=5),
            build_reference(rows, ["x"], n_bins=6),
            build_reference(np.vstack([rows, rows[:1]]), ["x"], n_bins=5),
        ]
        assert plain.digest == same.digest
        assert plain.digest not in {other.digest for other in others}
