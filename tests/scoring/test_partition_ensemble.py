import numpy as np
import pytest

from fraud_core.scoring.partition_ensemble import PartitionEnsemble, certified_flips

WEIGHTS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.5]])
ENSEMBLE = PartitionEnsemble(
    WEIGHTS, np.array([1.0, 1.0, 0.0]), centre=np.array([10.0, 0.0]), scale=np.array([2.0, 1.0])
)


@pytest.mark.parametrize(("first", "votes"), [(12.0, 2), (11.0, 2), (13.0, 2), (9.0, 2), (11.5, 1)])
def test_parts_are_counted_from_their_limit_on(first, votes):
    """Standardised x votes by x >= 1, always, and by x <= 1/2."""
    assert ENSEMBLE.votes(np.array([[first, 7.0]])).tolist() == [votes]


def test_missing_value_of_a_feature_without_weight_changes_no_vote():
    rows = np.array([[12.0, 0.0], [9.0, 0.0]])
    missing = rows.copy()
    missing[:, 1] = np.nan
    np.testing.assert_array_equal(ENSEMBLE.votes(missing), ENSEMBLE.votes(rows))


def test_extreme_values_are_cut_before_they_vote():
    ensemble = PartitionEnsemble(np.array([[1.0, 0.0]]), np.array([20.0]), np.zeros(1), np.ones(1))
    assert ensemble.votes(np.array([[1e300], [19.9]])).tolist() == [1, 0]
    beyond = PartitionEnsemble(ensemble.weights, np.array([20.1]), np.zeros(1), np.ones(1))
    assert beyond.votes(np.array([[1e300]])).tolist() == [0]


@pytest.mark.parametrize("k", [1, 5, 25])
def test_certified_flips_cannot_turn_the_vote_and_one_more_may(k):
    """Each flipped label is in one part, and turns one vote at most."""
    for votes in range(k + 1):
        flips = int(certified_flips(np.array(votes), k))
        fraud = 2 * votes > k
        turned = votes - flips if fraud else votes + flips
        assert (2 * turned > k) == fraud
        assert (2 * (turned - 1 if fraud else turned + 1) > k) != fraud
