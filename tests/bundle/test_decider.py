import msgspec
import numpy as np
import pytest

from fraud_core.bundle.decider import Decider
from fraud_core.bundle.load import read_content
from fraud_core.bundle.schema import Reference
from fraud_core.scoring.partition_ensemble import PartitionEnsemble
from tests.bundle.toy_bundle import DESCRIBED, POLICY, arrays, write


@pytest.fixture
def decider_of(tmp_path):
    """The decider of a bundle whose features reach from -1 to 3 and are usual up to 2."""
    wide = msgspec.structs.replace(DESCRIBED, maximum=3.0, high=2.0)

    def made(**change):
        reference = Reference({"a": wide, "b": wide}, DESCRIBED)
        write(tmp_path, **({"reference": reference} | change))
        return Decider(read_content(tmp_path))

    return made


@pytest.mark.parametrize(
    ("values", "log_odds"), [((0, 0), 0.25), ((0, 1), 1.25), ((3, 0), 2.25), ((3, 1), 3.25)]
)
def test_probability_and_losses_by_hand(decider_of, values, log_odds):
    """The second feature above 0.5 adds 1 to the log-odds, the first above 2 adds 2."""
    verdict = decider_of().decide(np.array(values, float), 40.0)
    assert verdict.fraud_probability == pytest.approx(1 / (1 + np.exp(-log_odds)))
    losses = msgspec.structs.asdict(verdict.expected_loss_eur)
    assert losses[verdict.decision] == min(losses.values())


def test_reasons_of_an_alarm_raise_the_score_the_largest_first(decider_of):
    verdict = decider_of().decide(np.array([3.0, 1.0]), 1000.0)
    assert verdict.decision != "approve"
    assert [(r.feature, r.code) for r in verdict.reasons] == [
        ("a", "ABOVE_USUAL"),
        ("b", "USUAL_VALUE"),
    ]
    assert [r.contribution for r in verdict.reasons] == pytest.approx([1.0, 0.5])
    assert verdict.reasons[0].reference == (-0.5, 2.0)


def test_row_outside_the_training_range_is_abstained_from(decider_of):
    """The range is 4 wide, and its width is let pass on each side."""
    decider = decider_of()
    assert decider.decide(np.array([6.99, 0.0]), 1.0).decision != "abstain"
    verdict = decider.decide(np.array([7.01, 0.0]), 1.0)
    assert verdict.decision == "abstain"
    assert [(r.feature, r.code) for r in verdict.reasons] == [("a", "OUTSIDE_TRAINING_RANGE")]


def test_feature_without_a_value_says_nothing_of_its_range(decider_of):
    policy = msgspec.structs.replace(POLICY, intercept=-9.0)
    verdict = decider_of(policy=policy).decide(np.array([np.nan, 0.0]), 1.0)
    assert verdict.decision == "approve"
    reasons = {reason.feature: reason for reason in verdict.reasons}
    assert (reasons["a"].code, reasons["a"].value) == ("UNKNOWN", None)
    assert reasons["b"].code == "USUAL_VALUE"


@pytest.mark.parametrize(
    ("limits", "fraud", "flips"),
    [((0, 0, 0), True, 1), ((0, 0, 9), True, 0), ((0, 9, 9), False, 0), ((9, 9, 9), False, 1)],
)
def test_vote_is_that_of_most_parts_and_certain_by_its_gap(decider_of, limits, fraud, flips):
    votes = PartitionEnsemble(np.ones((3, 3)), np.array(limits, float), np.zeros(2), np.ones(2))
    vote = decider_of(model=arrays(votes=votes)).vote(np.array([0.0, 0.0]))
    assert (vote.fraud, vote.flips) == (fraud, flips)
