import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.certification import certified_flips, certified_recall, certify, deal


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.tile([0, 0, 0, 1], 200)
    return rng.normal(2.0 * y[:, None], 1.0, (800, 3)), y


def test_no_flip_within_the_certificate_changes_a_decision(data):
    """The claim itself, tried: flips of as many labels as are
    certified, aimed at parts that voted for the decision.
    """
    features, y = data
    k, rng = 7, np.random.default_rng(1)
    settings = {"k": k, "alert_budget": 0.25}
    asked = features[:60]
    votes = certify(features, y, **settings).votes(asked)
    sure = certified_flips(votes, k)
    part = deal(features, k, salt="certificate")
    for n_flips in (1, 2, 3):
        for _ in range(5):
            flipped = y.copy()
            for number in rng.choice(k, n_flips, replace=False):
                row = rng.choice(np.flatnonzero(part == number))
                flipped[row] = 1 - flipped[row]
            again = certify(features, flipped, **settings).votes(asked)
            held = sure >= n_flips
            np.testing.assert_array_equal((again > k / 2)[held], (votes > k / 2)[held])


def test_a_flip_moves_the_vote_of_one_part_alone(data):
    features, y = data
    before = certify(features, y, k=5, alert_budget=0.25)
    flipped = y.copy()
    flipped[17] = 1 - flipped[17]
    after = certify(features, flipped, k=5, alert_budget=0.25)
    differs = (before.weights != after.weights).any(axis=1) | (before.limits != after.limits)
    assert np.flatnonzero(differs).tolist() == [int(deal(features, 5, salt="certificate")[17])]


def test_flips_by_hand():
    assert certified_flips(np.array([0, 12, 13, 19, 25]), 25).tolist() == [12, 0, 0, 6, 12]
    assert certified_recall(np.array([25, 13, 5, 25]), np.array([1, 1, 1, 0]), 25, 3) == (1, 3)


def test_equal_rows_lie_in_one_part_and_the_salt_matters(data):
    features, _ = data
    np.testing.assert_array_equal(deal(features, 25, salt="a"), deal(features, 25, salt="a"))
    assert (deal(features, 25, salt="a") != deal(features, 25, salt="b")).any()
    counts = np.bincount(deal(features, 5, salt="a").astype(int), minlength=5)
    assert counts.min() > 100


@pytest.mark.parametrize(
    ("k", "message"), [(4, "odd number"), (1, "at least 3"), (799, "holds one class only")]
)
def test_impossible_numbers_of_parts_are_refused(data, k, message):
    with pytest.raises(ParameterError, match=message):
        certify(*data, k=k, alert_budget=0.25)
