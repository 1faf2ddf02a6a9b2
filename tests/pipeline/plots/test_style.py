"""Drawings of values that are known: what stands where on the axes."""

import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate, ModelScores
from fraud_core.pipeline.plots import style

ROWS = {"recall_at_budget": Estimate(0.5, 0.4, 0.7), "precision": Estimate(0.2, 0.1, 0.3)}


def points(axes):
    """The marked points of a drawing."""
    return [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "o"]


def spans(axes):
    """The lines of intervals, by their ends."""
    return [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() != "o"]


def test_intervals_stand_on_a_line_each_the_first_on_top():
    (axes,) = style.intervals(ROWS, "value", band=(-0.1, 0.1)).axes
    assert points(axes) == [(0.5, 1.0), (0.2, 0.0)]
    assert spans(axes) == [(0.4, 0.7), (0.1, 0.3)]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "recall at budget",
        "precision",
    ]


def test_frauds_are_counted_by_the_hour():
    hours, y_true = np.array([0.2, 0.7, 1.5, 2.1, 2.9]), np.array([1, 0, 1, 1, 1])
    left, right = style.frauds_over_time(hours, y_true, 2.0).axes
    assert [bar.get_height() for bar in left.patches] == [1, 1, 2]
    (rows,) = right.lines
    assert rows.get_ydata() == pytest.approx([0.002, 0.001, 0.002])


def test_two_windows_of_a_metric_stand_side_by_side():
    after = {name: Estimate(v.value / 2, 0.0, 1.0) for name, v in ROWS.items()}
    (axes,) = style.performance_change(ROWS, after).axes
    assert sorted(x for x, _ in points(axes)) == pytest.approx([0.1, 0.2, 0.25, 0.5])
    assert len({y for _, y in points(axes)}) == 4


def test_perfect_ranking_keeps_its_precision_and_the_base_rate_is_drawn():
    y_true, score = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    scored = ModelScores(score, 0.5)
    drawing = style.operating_point(y_true, scored, Estimate(1.0, 0.5, 1.0), Estimate(1, 0.5, 1))
    (axes,) = drawing.axes
    curve, base = axes.lines[0], axes.lines[1]
    assert set(curve.get_ydata()) == {1.0}
    assert set(base.get_ydata()) == {0.25}
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "operating point, threshold 0.500" in labels


def test_drawing_leaves_the_global_generator_as_it_was(rng):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    values = rng.normal(size=(30, 3))
    drawing = style.beeswarm(values, rng.normal(size=(30, 3)), ["a", "b", "c"], 0.0, 3)
    assert (np.random.get_state()[1] == before).all()
    assert {label.get_text() for label in drawing.axes[0].get_yticklabels()} >= {"a", "b", "c"}
