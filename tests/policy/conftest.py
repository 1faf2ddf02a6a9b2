"""Settings of the policy, and rows whose frauds follow the probability, for its tests."""

import numpy as np
import pytest

from fraud_core.policy.actions import DecisionPolicy, PolicySettings
from fraud_core.policy.selection import LabelledScores

SETTINGS = PolicySettings(
    loss_share=1.0,
    friction_share=0.2,
    review_miss_share=0.1,
    review_capacity_per_day=50.0,
    abstain_margin=0.5,
)
POLICY = DecisionPolicy("expected_loss", SETTINGS, 5.0, 1.5)
# With a fixed cost of each wrongly blocked customer.
FIXED_FRICTION = PolicySettings(1.0, 0.05, 0.1, 1000.0, 1.0, friction_eur=25.0)
WITH_FRICTION = DecisionPolicy("expected_loss", FIXED_FRICTION, 5.0, 0.0)


def labelled_scores(rng, n_rows, days):
    """Scores of so many payments of some days, calibrated by the way they are drawn."""
    probability = 1 / (1 + np.exp(-rng.normal(-4, 2.5, n_rows)))
    y_true = (rng.random(n_rows) < probability).astype(int)
    return LabelledScores(y_true, probability, rng.lognormal(4, 1, n_rows), days)


@pytest.fixture
def rows(rng):
    return labelled_scores(rng, 4000, 0.5)


@pytest.fixture
def day(rng):
    """The payments of one day."""
    return labelled_scores(rng, 3000, 1.0)
