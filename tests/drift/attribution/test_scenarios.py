import numpy as np
import pytest

from fraud_core.drift.attribution import scenarios
from fraud_core.drift.attribution.attributor import CAUSES
from fraud_core.drift.attribution.scenarios import (
    HELD_OUT_SEVERITIES,
    SEVERITIES,
    fraud_modes,
    nearest_legitimate,
    run_scenarios,
    simulate,
)

NOWHERE = (0.0, 1e-9)  # a background that moves nothing


class TestScenarios:
    @pytest.mark.parametrize("cause", CAUSES)
    def test_reference_is_never_touched_and_labels_change_only_under_label_causes(
        self, pool, cause
    ):
        rng = np.random.default_rng(1)
        reference, current = simulate([pool], cause, HELD_OUT_SEVERITIES[cause][0], rng=rng)
        assert len(reference.y_observed) == 6000
        assert set(np.unique(reference.y_observed)) == {0, 1}
        assert len(current.y_observed) == len(current.probability) == len(current.X)

    def test_strengths_of_the_judgement_are_not_those_of_the_fit(self):
        for cause in set(CAUSES) - {"none"}:
            assert not set(SEVERITIES[cause]) & set(HELD_OUT_SEVERITIES[cause])

    def test_unknown_cause_is_refused(self, pool):
        with pytest.raises(ValueError, match="expected one of none"):
            simulate([pool], "weather", 1.0, rng=np.random.default_rng(0))

    def test_prior_multiplies_the_frauds_and_keeps_their_scores(self, pool):
        reference, current = simulate(
            [pool], "label_shift", 2.5, rng=np.random.default_rng(3), background=NOWHERE
        )
        assert current.y_observed.sum() == pytest.approx(2.5 * reference.y_observed.sum(), rel=0.35)
        assert set(current.probability[current.y_observed == 1]) <= set(
            pool.rows.probability[pool.rows.y_observed == 1]
        )

    @pytest.mark.parametrize(
        ("cause", "labels"), [("suppressed_labels", 0.5), ("spurious_labels", 1.5)]
    )
    def test_an_attack_on_labels_touches_no_feature_and_no_score(
        self, pool, cause, labels, monkeypatch
    ):
        """A monitor of features and scores is given the same bytes with and without the attack."""
        monkeypatch.setattr(scenarios, "BACKGROUND_SHARE", 0.0)
        plain, attacked = (
            simulate([pool], each, 0.5, rng=np.random.default_rng(2))[1] for each in ("none", cause)
        )
        assert np.array_equal(plain.X, attacked.X)
        assert np.array_equal(plain.probability, attacked.probability)
        assert attacked.y_observed.sum() / plain.y_observed.sum() == pytest.approx(labels, abs=0.02)

    def test_every_cause_is_simulated_as_often_as_asked(self, pool):
        built = run_scenarios(
            [pool],
            {"none": (0.0,), "label_shift": (2.0, 3.0)},
            n_each=2,
            rng=np.random.default_rng(0),
        )
        assert [(one.cause, one.severity) for one in built] == [("none", 0.0)] * 6 + [
            ("label_shift", 2.0),
            ("label_shift", 3.0),
        ]


def test_corner_holds_legitimate_rows_that_lie_together(rng):
    scores, y = rng.normal(size=(2000, 3)), (rng.random(2000) < 0.1).astype(int)
    rows = nearest_legitimate(scores, y, n_rows=40, rng=rng)
    assert len(set(rows)) == 40
    assert not y[rows].any()
    assert scores[rows].std(axis=0).max() < 0.7 * scores.std(axis=0).min()


def test_modes_are_the_groups_that_are_there(rng):
    groups = np.repeat([0, 1], 50)
    found = fraud_modes(rng.normal(size=(100, 2)) + 20 * groups[:, None], 2, seed=0)
    assert len(set(found[:50])) == len(set(found[50:])) == 1
    assert found[0] != found[-1]
