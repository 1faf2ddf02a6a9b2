import msgspec
import numpy as np
import pytest

from fraud_core.policy.actions import (
    actions,
)
from fraud_core.policy.selection import (
    LabelledScores,
    choose_policy,
    paired_total,
    policy_regret,
    priced,
)
from tests.policy.conftest import POLICY, SETTINGS


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
    honest = LabelledScores(
        np.zeros(len(rows.y_true), int), np.full(len(rows.y_true), 0.4), rows.amount_eur, 0.5
    )
    chosen = choose_policy(
        honest, SETTINGS, review_cost_eur=5.0, threshold=0.5, n_replicates=200, rng=rng
    )
    assert chosen.saving_eur.ci_high < 0
    assert chosen.policy.rule == "threshold"


def test_regret_is_never_negative_and_grows_with_miscalibration(rows):
    good = policy_regret(priced(POLICY, rows), rows, 0.5)
    skewed = LabelledScores(
        rows.y_true, np.clip(rows.probability * 0.02, 0, 1), rows.amount_eur, rows.days
    )
    bad = policy_regret(priced(POLICY, skewed), skewed, 0.5)
    assert 0 <= good.regret_eur < bad.regret_eur
    assert bad.cost_eur == pytest.approx(bad.oracle_eur + bad.regret_eur)


def test_interval_of_a_total_is_that_of_drawing_every_row(rng):
    difference = np.concatenate([rng.normal(2.0, 5.0, 40), np.zeros(400)])
    found = paired_total(difference, n_replicates=4000, rng=rng)
    drawn = rng.choice(difference, (4000, len(difference))).sum(axis=1)
    assert found.value == pytest.approx(difference.sum())
    assert (found.ci_low, found.ci_high) == pytest.approx(
        tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.15 * drawn.std()
    )
