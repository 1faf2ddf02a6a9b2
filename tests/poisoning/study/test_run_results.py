import numpy as np
import pytest

from fraud_core.poisoning.study.run_results import DefendedRun

pytestmark = pytest.mark.xdist_group("poisoning")


def test_model_without_a_trigger_has_no_stamped_scores(study):
    with pytest.raises(ValueError, match="no trigger was set"):
        _ = study[1][0].defences["none"].stamped_probability


def test_probabilities_follow_from_log_odds_however_large():
    run = DefendedRun(
        np.array([0, np.log(3), 1e4, -1e4], "f4"), 0.5, 0.0, stamped_log_odds=np.zeros(4, "f4")
    )
    assert run.scored.y_score == pytest.approx([0.5, 0.75, 1.0, 0.0])
    assert run.stamped_probability.tolist() == [0.5] * 4


def test_one_model_has_the_same_scores_and_the_same_threshold():
    run = DefendedRun(np.zeros(2, "f4"), 0.5, 0.1)
    assert run.same_model(DefendedRun(np.zeros(2, "f4"), 0.5, 0.9, n_flagged=3))
    assert not run.same_model(DefendedRun(np.zeros(2, "f4"), 0.6, 0.1))
    assert not run.same_model(DefendedRun(np.ones(2, "f4"), 0.5, 0.1))
