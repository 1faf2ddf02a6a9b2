import msgspec
import numpy as np
import pytest

from fraud_core.policy.actions import (
    ACTIONS,
    DecisionPolicy,
    action,
    actions,
    decision_thresholds,
    expected_losses,
)
from tests.policy.conftest import POLICY, SETTINGS


def test_no_payment_of_nothing_is_held_up():
    assert action(POLICY, expected_losses(POLICY, 0.999, 0.0), 0.999, 0.5) == "approve"


def test_larger_amounts_are_reviewed_at_smaller_probabilities():
    taken = actions(POLICY, np.full(3, 0.05), np.array([10.0, 100.0, 1000.0]), 0.5)
    assert [ACTIONS[k] for k in taken] == ["approve", "approve", "review"]


@pytest.mark.parametrize("friction_eur", [0.0, 25.0])
@pytest.mark.parametrize(
    ("rule", "block"), [("expected_loss", True), ("expected_loss", False), ("threshold", True)]
)
def test_one_row_and_many_decide_alike(rows, rule, block, friction_eur):
    settings = msgspec.structs.replace(
        SETTINGS, block_without_review=block, friction_eur=friction_eur
    )
    policy = msgspec.structs.replace(POLICY, rule=rule, settings=settings)
    many = actions(policy, rows.probability, rows.amount_eur, 0.3)
    assert set(many) == ({0, 1, 2} if rule == "expected_loss" and block else {0, 1})
    for p, eur, place in zip(
        rows.probability.tolist(), rows.amount_eur.tolist(), many, strict=True
    ):
        assert action(policy, expected_losses(policy, p, eur), p, 0.3) == ACTIONS[place]


@pytest.mark.parametrize("friction_eur", [0.0, 25.0])
@pytest.mark.parametrize("block", [True, False])
def test_thresholds_are_where_the_decision_changes(rng, block, friction_eur):
    settings = msgspec.structs.replace(
        SETTINGS, block_without_review=block, friction_eur=friction_eur
    )
    policy = msgspec.structs.replace(POLICY, settings=settings)
    for amount in rng.lognormal(4, 1.5, 60).tolist():
        found = decision_thresholds(policy, amount, 0.5)
        for p in rng.random(40).tolist():
            taken = action(policy, expected_losses(policy, p, amount), p, 0.5)
            if found.block is not None and p > found.block:
                expected = "block"
            else:
                expected = "review" if found.review is not None and p > found.review else "approve"
            assert taken == expected, (amount, p, found)


def test_bundle_made_before_is_read_as_it_decided_then():
    before = msgspec.to_builtins(POLICY)
    for name in ("friction_eur", "block_without_review"):
        del before["settings"][name]
    read = msgspec.convert(before, DecisionPolicy)
    assert (read.settings.friction_eur, read.settings.block_without_review) == (0.0, True)
    assert expected_losses(read, 0.5, 100.0) == expected_losses(POLICY, 0.5, 100.0)
