import numpy as np
import pytest

from fraud_core.drift.performance.shift_decomposition import (
    _Domain,
    _effective,
    decompose,
    log_loss,
)

PARTS = ("x_shift_reference", "y_given_x_shift", "x_shift_current")


class TestDecomposition:
    def test_parts_add_up(self, rng):
        a, b = rng.normal(size=(2000, 2)), rng.normal(0.5, 1, size=(2000, 2))
        found = decompose(a, b, {"loss": (a[:, 0] ** 2, b[:, 0] ** 2 + 0.3)}, rng=rng)["loss"]
        total = (
            found.x_shift_reference.value
            + found.y_given_x_shift.value
            + found.x_shift_current.value
        )
        assert total == pytest.approx(found.change.value)

    def test_moved_rows_of_one_meaning_are_covariate(self, rng):
        a, b = rng.normal(size=(4000, 2)), rng.normal(0.7, 1, size=(4000, 2))
        found = decompose(a, b, {"loss": (a[:, 0], b[:, 0])}, rng=rng)["loss"]
        assert found.x_shift == pytest.approx(0.7, abs=0.15)
        assert abs(found.y_given_x_shift.value) < 0.12

    def test_other_labels_on_the_same_rows_are_conditional(self, rng):
        a, b = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2))
        found = decompose(a, b, {"loss": (a[:, 0], b[:, 0] + 0.5)}, rng=rng)["loss"]
        assert found.y_given_x_shift.value == pytest.approx(0.5, abs=0.08)
        assert not found.x_shift_reference.excludes(0.0)
        assert found.overlap_rows > 3500

    def test_windows_without_overlap_share_few_rows(self, rng):
        a, b = rng.normal(size=(1000, 2)), rng.normal(4.0, 1, size=(1000, 2))
        found = decompose(a, b, {"loss": (np.ones(1000), np.ones(1000))}, rng=rng)["loss"]
        assert found.overlap_rows < 300
        assert found.change.value == 0.0

    @pytest.mark.parametrize("moved", [0.0, 0.5])
    def test_intervals_of_the_parts_hold_the_truth(self, moved):
        """A loss that follows the first feature and grew by
        0.2 on every row; half of the move is on either side.
        """
        truth, held = (
            {"x_shift_reference": moved / 2, "y_given_x_shift": 0.2, "x_shift_current": moved / 2},
            dict.fromkeys(PARTS, 0),
        )
        for seed in range(30):
            rng = np.random.default_rng(seed)
            a, b = rng.normal(size=(600, 2)), rng.normal(size=(600, 2)) + np.array([moved, 0.0])
            loss = (a[:, 0] + rng.normal(size=600), b[:, 0] + 0.2 + rng.normal(size=600))
            found = decompose(a, b, {"loss": loss}, rng=rng, n_resamples=80)["loss"]
            for part in PARTS:
                held[part] += not getattr(found, part).excludes(truth[part])
        assert min(held.values()) >= 25

    def test_one_newton_step_is_the_fit_on_the_resampled_rows(self, rng):
        from sklearn.linear_model import LogisticRegression

        a, b = rng.normal(size=(3000, 2)), rng.normal(0.4, 1, size=(3000, 2))
        domain, weight = _Domain(a, b, rng), rng.poisson(1.0, (1, 6000)).astype(float)
        seen, held = domain._halves
        counted = weight[0, seen]
        again = LogisticRegression(max_iter=500).fit(
            domain._terms[0][:, :-1], seen >= 3000, sample_weight=counted
        )
        expected = again.predict_proba(domain._terms[1][:, :-1])[:, 1]
        assert np.abs(domain.probability(weight)[0, held] - expected).max() < 0.03
        assert np.abs(domain.probability(np.ones((1, 6000)))[0, held] - expected).max() > 0.03


def test_log_loss_agrees_with_scikit_learn(rng):
    import sklearn.metrics

    y, p = rng.integers(0, 2, 50), rng.random(50)
    assert log_loss(y, p).mean() == pytest.approx(sklearn.metrics.log_loss(y, p))
    assert np.isfinite(log_loss(np.array([1, 0]), np.array([0.0, 1.0]))).all()


def test_effective_rows_by_hand():
    assert _effective(np.ones(7)) == pytest.approx(7)
    assert _effective(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
