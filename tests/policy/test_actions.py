import msgspec
import numpy as np
import pytest

from fraud_core.policy.actions import (
    ACTIONS,
    DecisionPolicy,
    PolicySettings,
    action,
    actions,
    bands,
    expected_losses,
)
from fraud_core.policy.selection import Judged, choose_policy, policy_regret, priced

SETTINGS = PolicySettings(
    loss_share=1.0,
    friction_share=0.2,
    review_miss_share=0.1,
    review_capacity_per_day=50.0,
    abstain_margin=0.5,
)
POLICY = DecisionPolicy("expected_loss", SETTINGS, 5.0, 1.5)


@pytest.fixture
def rows(rng):
    n = 4000
    probability = 1 / (1 + np.exp(-rng.normal(-4, 2.5, n)))
    y_true = (rng.random(n) < probability).astype(int)
    return Judged(y_true, probability, rng.lognormal(4, 1, n), 0.5)


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


@pytest.mark.parametrize("capacity", [1.0, 20.0, 100.0, 1e9])
def test_reviews_keep_to_the_capacity_and_use_it_when_it_is_scarce(rows, capacity):
    settings = msgspec.structs.replace(SETTINGS, review_capacity_per_day=capacity)
    policy = priced(msgspec.structs.replace(POLICY, settings=settings), rows)
    n_reviews = int(np.sum(actions(policy, rows.probability, rows.amount_eur, 0.5) == 1))
    assert n_reviews <= capacity * rows.days
    if policy.review_price_eur > 0:
        assert n_reviews == int(capacity * rows.days)
    else:
        assert capacity == 1e9


def test_calibrated_probabilities_make_the_rule_cheaper_than_a_threshold(rows, rng):
    chosen = choose_policy(
        rows, SETTINGS, review_cost_eur=5.0, threshold=0.5, n_replicates=200, rng=rng
    )
    assert chosen.policy.rule == "expected_loss"
    assert 0 < chosen.saving_eur.ci_low <= chosen.saving_eur.value <= chosen.saving_eur.ci_high
    assert chosen.reviews_per_day <= SETTINGS.review_capacity_per_day


def test_plain_threshold_is_kept_where_the_probabilities_mislead(rows, rng):
    # a constant blocks every payment of any size; the threshold above it approves all of them
    honest = Judged(
        np.zeros(len(rows.y_true), int), np.full(len(rows.y_true), 0.4), rows.amount_eur, 0.5
    )
    chosen = choose_policy(
        honest, SETTINGS, review_cost_eur=5.0, threshold=0.5, n_replicates=200, rng=rng
    )
    assert chosen.saving_eur.ci_high < 0
    assert chosen.policy.rule == "threshold"


def test_regret_is_never_negative_and_grows_with_miscalibration(rows):
    good = policy_regret(priced(POLICY, rows), rows, 0.5)
    skewed = Judged(rows.y_true, np.clip(rows.probability * 0.02, 0, 1), rows.amount_eur, rows.days)
    bad = policy_regret(priced(POLICY, skewed), skewed, 0.5)
    assert 0 <= good.regret_eur < bad.regret_eur
    assert bad.cost_eur == pytest.approx(bad.oracle_eur + bad.regret_eur)


@pytest.mark.parametrize("friction_eur", [0.0, 25.0])
@pytest.mark.parametrize("block", [True, False])
def test_bands_are_where_the_decision_changes(rng, block, friction_eur):
    settings = msgspec.structs.replace(
        SETTINGS, block_without_review=block, friction_eur=friction_eur
    )
    policy = msgspec.structs.replace(POLICY, settings=settings)
    for amount in rng.lognormal(4, 1.5, 60).tolist():
        found = bands(policy, amount, 0.5)
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
