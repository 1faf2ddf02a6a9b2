"""Ways to decide and other assumptions, side by side on rows whose truth is known."""

import numpy as np

from fraud_core.policy.operating_points import (
    policies_under,
)
from fraud_core.policy.operating_study import operating_study
from tests.policy.conftest import FIXED_FRICTION, WITH_FRICTION


def test_policy_that_may_not_block_reviews_instead(day):
    policies = policies_under(day, FIXED_FRICTION, 5.0)
    study = operating_study(
        day, WITH_FRICTION, policies, threshold=0.5, n_alerts=60, n_replicates=20, seed=0
    )
    assert study.assumed["as served"].blocks > 0
    assert study.assumed["no block without a review"].blocks == 0
    assert study.points["budget"].reviews == 60
    assert study.points["threshold"].reviews == int(np.sum(day.probability >= 0.5))


def test_dearer_customers_are_blocked_less(day):
    blocked = {
        words: operating_study(day, other, {}, threshold=0.5, n_alerts=1, n_replicates=5, seed=0)
        .points["policy"]
        .blocks
        for words, other in policies_under(day, FIXED_FRICTION, 5.0).items()
    }
    assert (
        blocked["fixed cost of a block doubled"]
        < blocked["as served"]
        < blocked["no fixed cost of a block"]
    )


def test_tables_have_a_row_for_each_way_and_assumption(day):
    policies = policies_under(day, FIXED_FRICTION, 5.0)
    by_name = dict(
        sorted(policies.items())
    )  # as a candidate that was read from its file holds them
    study = operating_study(
        day, WITH_FRICTION, by_name, threshold=0.5, n_alerts=60, n_replicates=5, seed=0
    )
    assert len(study.point_rows) == 3
    assert study.assumption_rows[0]["assumption"] == "as served"
    assert {row["assumption"] for row in study.assumption_rows} == set(policies)
