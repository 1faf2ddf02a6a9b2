import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.bundle.decider import Reason
from fraud_core.explain.alert_reasons import (
    ReferenceRange,
    reason_codes,
    reason_rows,
    reference_range,
    strongest_alerts,
)
from fraud_core.explain.reasons import render_reason
from fraud_core.explain.tree_shap import Explainer
from fraud_core.pipeline.stages.candidate import TOY_PLAN, train_by
from fraud_core.scoring.leaf_tables import build_leaf_tables
from fraud_core.scoring.oblivious_trees import ObliviousTrees
from tests.scoring.test_leaf_tables import random_trees

NAMES = ("V1", "V2", "V3", "V4", "Amount")
USUAL = ReferenceRange(np.full(5, -1.0), np.full(5, 1.0))


def explainer_of(seed, n_trees=15):
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, n_trees, 3, 5)
    return Explainer(
        trees, build_leaf_tables(trees, rng.integers(1, 9, trees.leaf_value.shape).astype(float))
    )


@pytest.fixture(scope="module")
def stumps():
    """Two stumps: V1 above 0.5 adds 2, V2 above 0 adds 1; else as much is taken away."""
    trees = ObliviousTrees(
        np.array([[0], [1]]),
        np.array([[0.5], [0.0]], "f4"),
        np.array([[-2.0, 2.0], [-1.0, 1.0]]),
        0.0,
    )
    return Explainer(trees, build_leaf_tables(trees, np.ones((2, 2))))


def test_reasons_of_an_alert_and_of_none_by_hand(stumps):
    rows = np.array([[3.0, 0.5], [-0.5, -4.0], [3.0, -0.5]])
    reference = ReferenceRange(np.full(2, -1.0), np.full(2, 1.0))
    alert, calm, mixed = reason_codes(stumps, rows, NAMES[:2], reference, threshold=0.0)
    assert [(each.code, each.feature, each.contribution, each.would_turn_at) for each in alert] == [
        ("ABOVE_USUAL", "V1", 2.0, 0.5),
        ("USUAL_VALUE", "V2", 1.0, None),
    ]
    assert [(each.code, each.feature, each.contribution) for each in calm] == [
        ("USUAL_VALUE", "V1", -2.0),
        ("BELOW_USUAL", "V2", -1.0),
    ]
    assert calm[0].would_turn_at == np.nextafter(np.float32(0.5), np.float32(1))
    assert [each.feature for each in mixed] == ["V1"]


def test_margin_on_the_threshold_is_an_alert(stumps):
    reference = ReferenceRange(np.full(2, -1.0), np.full(2, 1.0))
    row = np.array([[3.0, -0.5]])
    assert reason_codes(stumps, row, NAMES[:2], reference, threshold=1.0)[0][0].contribution > 0
    assert (
        reason_codes(stumps, row, NAMES[:2], reference, threshold=1.0 + 1e-9)[0][0].contribution < 0
    )


def test_value_that_brings_the_margin_to_the_threshold_itself_makes_an_alert(stumps):
    reference = ReferenceRange(np.full(2, -1.0), np.full(2, 1.0))
    calm = np.array([[-0.5, -0.5]])
    reached, missed = (
        reason_codes(stumps, calm, NAMES[:2], reference, threshold=t)[0][0]
        for t in (1.0, 1.0 + 1e-9)
    )
    assert reached.would_turn_at == np.nextafter(np.float32(0.5), np.float32(1))
    assert missed.would_turn_at is None


def test_no_row_has_no_reasons(stumps):
    assert reason_codes(stumps, np.empty((0, 2)), NAMES[:2], USUAL, threshold=0.0) == []


def test_undefined_value_is_unknown_and_nothing_is_looked_for(stumps):
    reference = ReferenceRange(np.full(2, -1.0), np.full(2, 1.0))
    found = reason_codes(stumps, np.array([[np.nan, -0.5]]), NAMES[:2], reference, threshold=0.0)[0]
    assert (found[0].code, found[0].would_turn_at) == ("UNKNOWN", msgspec.UNSET)
    assert "without a usual range to compare it with" in found[0].words


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_reasons_are_the_strongest_contributions_that_speak_for_the_decision(seed):
    explainer, rows = explainer_of(seed), np.random.default_rng(seed).normal(size=(4, 5)) * 2
    values, log_odds = explainer.explain(rows).values, explainer.trees.log_odds(rows)
    for found, row_values, m in zip(
        reason_codes(explainer, rows, NAMES, USUAL, threshold=0.3), values, log_odds, strict=True
    ):
        towards = row_values if m >= 0.3 else -row_values
        expected = sorted([v for v in towards if v > 0], reverse=True)[:3]
        assert [abs(each.contribution) for each in found] == pytest.approx(expected)
        assert all(each.would_turn_at is not msgspec.UNSET for each in found[:2])
        assert all(each.would_turn_at is msgspec.UNSET for each in found[2:])


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_counterfactual_turns_the_alert_inside_the_reference_range_and_nothing_nearer_does(seed):
    explainer, rows = explainer_of(seed), np.random.default_rng(seed).normal(size=(3, 5)) * 2
    trees, threshold = explainer.trees, 0.2

    def alerts(row, k, others):
        changed = np.tile(row, (len(others), 1))
        changed[:, k] = others
        return trees.log_odds(changed) >= threshold

    for row, found in zip(
        rows, reason_codes(explainer, rows, NAMES, USUAL, threshold=threshold), strict=True
    ):
        for reason in found[:2]:
            k, own = NAMES.index(reason.feature), trees.log_odds(row[None])[0] >= threshold
            border = trees.border[trees.feature == k]
            every = np.concatenate(
                [border, np.nextafter(border, np.float32(np.inf)), np.linspace(-1, 1, 401)]
            )
            every = every[(every >= -1) & (every <= 1)].astype(float)
            turning = every[alerts(row, k, every) != own]
            if reason.would_turn_at is None:
                assert len(turning) == 0
            else:
                assert -1 <= reason.would_turn_at <= 1
                assert alerts(row, k, np.array([reason.would_turn_at]))[0] != own
                assert abs(reason.would_turn_at - row[k]) <= np.abs(turning - row[k]).min(
                    initial=np.inf
                )


def test_strongest_alerts_are_those_of_highest_margin_the_highest_first(rng):
    explainer, rows = explainer_of(1), rng.normal(size=(200, 5))
    found = strongest_alerts(explainer, rows, 0.05)
    assert (
        explainer.trees.log_odds(found).tolist()
        == sorted(explainer.trees.log_odds(rows))[-10:][::-1]
    )
    assert len(strongest_alerts(explainer, rows, 1e-9)) == 1
    assert len(strongest_alerts(explainer, rows, 1.0)) == 200


def test_reference_range_is_that_of_a_bundle(versions):
    from fraud_core.pipeline.stages.candidate import _reference

    rows = versions.training_rows
    found = reference_range(rows.X)
    described = _reference(train_by(TOY_PLAN, "catboost", rows), rows, versions).features
    assert found.low.tolist() == [described[name].low for name in versions.card.model_features]
    assert found.high.tolist() == [described[name].high for name in versions.card.model_features]


def test_reference_range_by_hand_and_of_one_value():
    found = reference_range(np.column_stack([np.arange(100.0), np.full(100, 7.0)]))
    assert (found.low.tolist(), found.high.tolist()) == ([4.0, 7.0], [94.0, 7.0])


def test_shares_of_codes_by_hand():
    above, below = (
        Reason(code, "V1", 1.0, 2.0, (0.0, 1.0)) for code in ("ABOVE_USUAL", "BELOW_USUAL")
    )
    decisions = [
        [render_reason(above, 0.5), render_reason(below, None)],
        [render_reason(above, None)],
        [],
    ]
    found = {(row.metric, row.group): row.interval for row in reason_rows(decisions)}
    assert found["decisions", None].value == 3
    assert found["single_feature_counterfactual_share", None].value == pytest.approx(1 / 3)
    assert found["reason_share", "ABOVE_USUAL"].value == pytest.approx(2 / 3)
    assert found["reason_share", "UNKNOWN"].value == 0.0
    assert found["reason_share", "UNKNOWN"].ci_high > 0
    assert ("reason_share", "OUTSIDE_TRAINING_RANGE") not in found
