import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.explain.stability import Agreement
from fraud_core.pipeline.plots import explain


def test_panels_show_the_features_that_are_asked_for_and_no_rare_value(rng):
    features = rng.uniform(size=(400, 3))
    features[0, 1] = 1e6
    y_true = (np.arange(400) < 40).astype(int)
    panels = explain.dependence(features * 2, features, ["a", "b", "c"], ["b", "c"], y_true).axes
    assert [panel.get_xlabel() for panel in panels[:2]] == ["b", "c"]
    assert [panel.axison for panel in panels] == [True, True, False, False, False, False]
    legitimate, frauds = (points.get_offsets() for points in panels[0].collections)
    assert max(legitimate[:, 0].max(), frauds[:, 0].max()) <= 1.0
    assert len(legitimate) + len(frauds) < 400
    np.testing.assert_allclose(frauds[:, 1], 2 * frauds[:, 0])


def test_agreements_stand_in_both_panels_with_their_intervals():
    ranking, reasons = Estimate(0.9, 0.8, 0.95), Estimate(0.6, 0.5, 0.7)
    found = [
        *(Agreement(f"seed {k}", "seed", Estimate(0.9, 0.9, 0.9), ranking) for k in range(3)),
        Agreement("label_flips", "attack", ranking, reasons),
    ]
    left, right = explain.agreements(found).axes
    marked = [
        [tuple(line.get_xydata()[0]) for line in panel.lines if line.get_marker() == "o"]
        for panel in (left, right)
    ]
    assert [len(each) for each in marked] == [4, 4]
    assert marked[0][-1] == pytest.approx((0.9, 0.0))
    assert marked[1][-1] == pytest.approx((0.6, 0.0))
    assert [label.get_text() for label in left.get_yticklabels()][-1] == "label flips"
