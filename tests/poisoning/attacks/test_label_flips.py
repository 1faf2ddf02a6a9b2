import numpy as np
import pytest
from hypothesis import given, strategies as st

from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.label_flips import flip_labels

Y = np.array([0] * 900 + [1] * 100)


def test_legit_to_fraud_by_hand(rng):
    found = flip_labels(Y, "legit_to_fraud", 0.1, rng=rng)
    assert len(found.changed) == 90
    assert found.y.sum() == 190
    assert found.false_fraud_share == pytest.approx(90 / 190)


def test_fraud_to_legit_makes_no_false_fraud(rng):
    found = flip_labels(Y, "fraud_to_legit", 0.25, rng=rng)
    assert (Y[found.changed] == 1).all()
    assert found.y.sum() == 75
    assert found.false_fraud_share == 0.0


def test_symmetric_attacks_both_classes_by_their_own_size(rng):
    found = flip_labels(Y, "symmetric", 0.1, rng=rng)
    assert (Y[found.changed] == 0).sum() == 90
    assert (Y[found.changed] == 1).sum() == 10


@given(
    st.lists(st.integers(0, 1), min_size=2, max_size=80).filter(lambda y: len(set(y)) == 2),
    st.sampled_from(["legit_to_fraud", "fraud_to_legit", "symmetric"]),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_changed_rows_are_exactly_those_that_differ(y, direction, rate, seed):
    y = np.array(y)
    before = y.copy()
    found = flip_labels(y, direction, rate, rng=np.random.default_rng(seed))
    assert (np.flatnonzero(found.y != y) == found.changed).all()
    assert (y == before).all()


def test_no_rate_is_no_attack_and_full_rate_is_all(rng):
    assert len(flip_labels(Y, "symmetric", 0.0, rng=rng).changed) == 0
    assert (flip_labels(Y, "symmetric", 1.0, rng=rng).y == 1 - Y).all()


def test_same_seed_same_rows():
    draws = [
        flip_labels(Y, "fraud_to_legit", 0.3, rng=np.random.default_rng(s)).changed.tolist()
        for s in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_rate_outside_0_1_is_refused(rng, rate):
    with pytest.raises(ParameterError, match=r"expected a rate in \[0, 1\]"):
        flip_labels(Y, "symmetric", rate, rng=rng)


def test_empty_class_and_unknown_direction_are_refused(rng):
    with pytest.raises(ParameterError, match="class 1 to attack, found none"):
        flip_labels(np.zeros(5, dtype=int), "fraud_to_legit", 0.5, rng=rng)
    with pytest.raises(ParameterError, match="sideways"):
        flip_labels(Y, "sideways", 0.5, rng=rng)
