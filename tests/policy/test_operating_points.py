"""What decisions do to frauds and to honest customers,
counted by hand; the policy under other assumptions.
"""

import msgspec
import numpy as np
import pytest

from fraud_core.policy.operating_points import (
    APPROVE,
    BLOCK,
    REVIEW,
    operate,
    other_assumptions,
)
from fraud_core.policy.selection import LabelledScores
from tests.policy.conftest import FIXED_FRICTION, WITH_FRICTION


def test_counts_by_hand():
    rows = LabelledScores(
        np.array([1, 1, 0, 0, 0]), np.zeros(5), np.array([100.0, 300.0, 40.0, 60.0, 9.0]), 1.0
    )
    taken = np.array([REVIEW, APPROVE, BLOCK, REVIEW, APPROVE])
    found = operate(taken, rows, WITH_FRICTION, n_replicates=5, rng=np.random.default_rng(0))
    assert (found.alerts, found.reviews, found.blocks) == (3, 2, 1)
    assert (found.honest_reviewed, found.honest_blocked, found.honest_blocked_eur) == (1, 1, 40.0)
    assert (found.frauds_alerted.value, found.frauds_alerted_eur) == (0.5, 0.25)
    # review of a fraud 5 + 0.1 · 100, missed fraud 300, blocked honest 25 + 0.05 · 40, review of an
    # honest one 5
    assert found.cost_eur.value == pytest.approx(15 + 300 + 27 + 5)


def test_figures_carry_their_prefix_and_the_alerts():
    rows = LabelledScores(np.array([1, 0]), np.zeros(2), np.ones(2), 1.0)
    found = operate(
        np.array([REVIEW, BLOCK]),
        rows,
        WITH_FRICTION,
        n_replicates=5,
        rng=np.random.default_rng(0),
    )
    flat = found.metrics("operating.policy")
    assert flat["operating.policy.alerts"] == 2
    assert all(name.startswith("operating.policy.") for name in flat)


def test_every_assumption_is_changed_by_itself():
    changed = other_assumptions(FIXED_FRICTION, 5.0)
    assert changed.pop("as served") == (FIXED_FRICTION, 5.0)
    for words, (settings, cost) in changed.items():
        before, after = (
            msgspec.structs.asdict(FIXED_FRICTION) | {"cost": 5.0},
            msgspec.structs.asdict(settings) | {"cost": cost},
        )
        assert sum(before[name] != after[name] for name in before) == 1, words
