from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fraud_core.bundle.arrays import ModelArrays
from fraud_core.bundle.decider import Decider, Reason
from fraud_core.bundle.load import Bundle
from fraud_core.bundle.schema import Contract, Described, Field, Policy, Reference
from fraud_core.explain.reason_writer import ReasonWriter
from fraud_core.explain.reasons import render_reason
from fraud_core.policy.actions import DecisionPolicy, PolicySettings
from fraud_core.scoring.leaf_tables import build_leaf_tables
from fraud_core.scoring.partition_ensemble import PartitionEnsemble
from tests.scoring.test_leaf_tables import random_trees

NAMES = ("V1", "V2", "amount")
AMOUNT = 2


def bundle_of(rng, rule="expected_loss", *, n_trees=25, review_cost_eur=5.0, names=NAMES, depth=3):
    """A model on the features `names` whose values are
    reference range from -1 to 1, and from 0 to 200 for the amount.
    """
    n = len(names)
    trees = random_trees(rng, n_trees, depth, n)
    trees = replace(trees, leaf_value=0.6 * trees.leaf_value)
    trees.border[trees.feature == n - 1] = rng.uniform(
        0, 250, (trees.feature == n - 1).sum()
    ).round()
    described = [Described((0.0,), (0.5, 0.5), 2, -3.0, 3.0, -1.0, 1.0)] * (n - 1)
    described.append(Described((0.0,), (0.5, 0.5), 2, 0.0, 900.0, 0.0, 200.0))
    settings = PolicySettings(1.0, 0.1, 0.1, 100.0, 0.5)
    return Bundle(
        contract=Contract(
            "t", tuple(Field(name, "float", None, None) for name in names), names, names[-1]
        ),
        model=ModelArrays(
            trees,
            build_leaf_tables(trees, np.ones(trees.leaf_value.shape)),
            PartitionEnsemble(np.ones((3, n + 1)), np.zeros(3), np.zeros(n), np.ones(n)),
        ),
        policy=Policy(0.9, -1.0, 0.3, 0.01, DecisionPolicy(rule, settings, review_cost_eur, 1.0)),
        reference=Reference(dict(zip(names, described, strict=True)), described[0]),
        origin={},
        version="v",
        policy_version="p",
    )


def payments(rng, n_rows):
    rows = np.column_stack(
        [rng.normal(0, 1.5, (n_rows, 2)), rng.choice([3.0, 30.0, 150.0, 600.0], n_rows)]
    )
    return rows.astype(np.float32).astype(float)


def decided(decider, row, k, value):
    other = row.copy()
    other[k] = value
    return decider.decide(other, float(other[AMOUNT])).decision


def every_value(bundle, k, rng):
    """Both sides of every border, the ends of the reference range, and a fine grid within it."""
    low, high = (getattr(bundle.reference.features[NAMES[k]], end) for end in ("low", "high"))
    border = bundle.trees.border[bundle.trees.feature == k]
    tried = np.concatenate(
        [border, np.nextafter(border, np.float32(np.inf)), np.linspace(low, high, 401, dtype="f4")]
    )
    return np.unique(tried[(tried >= low) & (tried <= high)]).astype(float)


@pytest.mark.parametrize("rule", ["expected_loss", "threshold"])
@pytest.mark.parametrize("seed", range(4))
def test_counterfactuals_turn_the_served_decision_and_no_nearer_one_does(seed, rule):
    rng = np.random.default_rng(seed)
    bundle = bundle_of(rng, rule)
    decider, writer = Decider(bundle), ReasonWriter(bundle)
    looked_at = {True: 0, False: 0}
    for row in payments(rng, 20):
        verdict = decider.decide(row, float(row[AMOUNT]))
        if verdict.decision == "abstain":
            continue
        for reason in writer.write(row, float(row[AMOUNT]), verdict)[:2]:
            k = NAMES.index(reason.feature)
            alarm = verdict.decision != "approve"
            values = every_value(bundle, k, rng)
            turning = values[
                [(decided(decider, row, k, value) != "approve") != alarm for value in values]
            ]
            looked_at[reason.would_turn_at is not None] += 1
            if reason.would_turn_at is None:
                assert len(turning) == 0
            else:
                low, high = reason.reference
                assert low <= reason.would_turn_at <= high
                assert (decided(decider, row, k, reason.would_turn_at) != "approve") != alarm
                assert (
                    len(turning) == 0
                    or abs(reason.would_turn_at - row[k]) <= np.abs(turning - row[k]).min()
                )
    assert min(looked_at.values()) > 0


def test_amount_turns_a_review_where_its_loss_no_longer_pays_the_review():
    """All leaves alike, so the amount acts by the losses
    alone: p·a against 6 + 0.1·p·a, at p = 1 / (1 + e).
    """
    bundle = bundle_of(np.random.default_rng(0))
    trees = replace(bundle.trees, leaf_value=np.zeros_like(bundle.trees.leaf_value), bias=0.0)
    actions = DecisionPolicy("expected_loss", PolicySettings(1.0, 1.0, 0.1, 100.0, 0.5), 5.0, 1.0)
    policy = msgspec.structs.replace(bundle.policy, actions=actions)
    bundle = replace(bundle, model=replace(bundle.model, trees=trees), policy=policy)
    row = np.array([0.0, 0.0, 150.0])
    verdict = Decider(bundle).decide(row, 150.0)
    assert verdict.decision == "review"
    given = msgspec.structs.replace(
        verdict, reasons=(Reason("USUAL_VALUE", "amount", 0.1, 150.0, (0.0, 200.0)),)
    )
    found = ReasonWriter(bundle).write(row, 150.0, given)[0]
    assert found.would_turn_at == pytest.approx(6.0 * (1 + np.e) / 0.9, rel=1e-6)
    assert Decider(bundle).decide(row, found.would_turn_at).decision == "approve"


def test_amount_that_no_model_feature_is_stays_as_it_is():
    rng = np.random.default_rng(3)
    bundle = bundle_of(rng)
    bundle = replace(bundle, contract=msgspec.structs.replace(bundle.contract, amount="another"))
    row = np.array([0.0, 0.0, 150.0])
    for amount_eur in (20.0, 2000.0):
        verdict = Decider(bundle).decide(row, amount_eur)
        for reason in ReasonWriter(bundle).write(row, amount_eur, verdict)[:2]:
            if reason.would_turn_at is not None:
                other = row.copy()
                other[NAMES.index(reason.feature)] = reason.would_turn_at
                now = Decider(bundle).decide(other, amount_eur).decision
                assert (now == "approve") != (verdict.decision == "approve")


@pytest.mark.parametrize("decision", ["approve", "review", "block"])
def test_reasons_are_those_of_the_verdict_and_only_two_are_searched(decision):
    rng = np.random.default_rng(1)
    bundle = bundle_of(rng, names=("V1", "V2", "V3", "V4", "amount"), n_trees=40)
    decider, writer, seen = Decider(bundle), ReasonWriter(bundle), 0
    for values in np.column_stack(
        [rng.normal(0, 1.2, (300, 4)), rng.choice([2.0, 90.0, 700.0], 300)]
    ):
        verdict = decider.decide(values, float(values[-1]))
        if verdict.decision != decision:
            continue
        found = writer.write(values, float(values[-1]), verdict)
        assert [msgspec.structs.astuple(each)[:5] for each in found] == [
            msgspec.structs.astuple(each) for each in verdict.reasons
        ]
        for place, reason in enumerate(found):
            assert (reason.would_turn_at is msgspec.UNSET) == (place >= 2)
            assert reason.words == render_reason(verdict.reasons[place], reason.would_turn_at).words
        seen += len(found) == 3
    assert seen > 3


def test_abstention_is_turned_by_the_nearest_usual_value_when_one_feature_is_outside():
    bundle = bundle_of(np.random.default_rng(2))
    row = np.array([0.3, -7.0, 20.0])
    verdict = Decider(bundle).decide(row, 20.0)
    assert verdict.decision == "abstain"
    found = ReasonWriter(bundle).write(row, 20.0, verdict)
    assert [each.would_turn_at for each in found] == [-1.0]
    assert "V2, an anonymous component, is -7, far outside all values" in found[0].words
    assert decided(Decider(bundle), row, 1, -1.0) != "abstain"


def test_abstention_on_two_features_is_turned_by_neither():
    bundle = bundle_of(np.random.default_rng(2))
    row = np.array([50.0, -7.0, 20.0])
    found = ReasonWriter(bundle).write(row, 20.0, Decider(bundle).decide(row, 20.0))
    assert [each.would_turn_at for each in found] == [None, None]
