import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.drift.attribution.attributor import INCONCLUSIVE, Attribution
from fraud_core.drift.replay.block_replay import (
    POLICIES,
    Block,
    Schedule,
    detection_words,
    first_detection,
    replay,
    replay_rows,
    suppress_fraud_labels,
)
from fraud_core.drift.replay.served_model import Practice
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 20})
DECISION = {"alert_budget": 0.05, "review_cost_eur": 5.0}
THRESHOLDS = {"n_bins": 10, "psi_threshold": 0.1, "domain_threshold": 0.6, "alpha": 0.05}
PRACTICE = Practice(ESTIMATOR, DECISION, THRESHOLDS)


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(3)
    n = 6000
    y = (rng.random(n) < 0.08).astype(int)
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[y == 1, 0] += 2.5
    return Transactions(features, y, np.full(n, 50.0), np.arange(n) * 28.8)


class Recorder:
    """Stands for an attributor and remembers the labels it was shown."""

    def __init__(self):
        self.seen = []

    def attribute(self, reference, current, *, rng):
        self.seen.append((len(current.y_observed), int(current.y_observed.sum())))
        return Attribution("none", 1.0, {}, "")


class TestReplay:
    SCHEDULE = Schedule(train_hours=12, calibrate_hours=20, block_hours=4, label_delay_hours=4)

    def test_labels_are_used_only_after_their_delay(self, stream):
        recorder = Recorder()
        blocks = replay(
            stream,
            stream.y_observed,
            list("abcd"),
            self.SCHEDULE,
            recorder,
            PRACTICE,
            rng=np.random.default_rng(0),
        )
        assert blocks[0].cause == INCONCLUSIVE
        assert [block.labels_known for block in blocks[:2]] == [2500, 3000]
        assert [rows for rows, _ in recorder.seen[:3]] == [500, 1000, 1000]
        assert set(blocks[0].cost_eur) == set(POLICIES)

    def test_hidden_labels_change_what_retraining_costs_and_nothing_of_the_first_model(
        self, stream
    ):
        hidden = suppress_fraud_labels(stream, 0.9, from_hour=28, rng=np.random.default_rng(0))
        assert hidden[: 28 * 125].sum() == stream.y_observed[: 28 * 125].sum()
        plain, attacked = (
            replay(
                stream,
                seen,
                list("abcd"),
                self.SCHEDULE,
                Recorder(),
                PRACTICE,
                rng=np.random.default_rng(0),
            )
            for seen in (stream.y_observed, hidden)
        )
        assert [b.cost_eur["never"] for b in plain] == [b.cost_eur["never"] for b in attacked]
        assert sum(b.cost_eur["each_block"] for b in plain) < sum(
            b.cost_eur["each_block"] for b in attacked
        )
        metrics = {row.metric for row in replay_rows(plain, attacked, attack_hour=28)}
        assert detection_words(attacked, attack_hour=28) == "never"
        assert "replay_hours_to_detect" not in metrics
        assert first_detection(attacked, ("suppressed_labels",), from_hour=28) is None


def block(end, cause="none", cost=0.0):
    return Block(
        end - 4.0, end, "stable", 0.8, 0.8, cause, 0.9, 100, (), dict.fromkeys(POLICIES, cost)
    )


def test_summary_by_hand():
    plain = [block(24.0), block(28.0), block(32.0, cost=10.0), block(36.0, cost=10.0)]
    attacked = [
        block(24.0, "spurious_labels"),
        block(28.0),
        block(32.0, cost=25.0),
        block(36.0, "suppressed_labels", 40.0),
    ]
    rows = replay_rows(plain, attacked, attack_hour=28.0)
    found = StudyTable.from_measurements(rows, table="toy", study="drift")
    assert detection_words(attacked, attack_hour=28.0) == "after 8 hours"
    assert found.only("replay_cost_until_detected_eur").value == 45.0
    assert found.only("replay_false_attacks").value == 1
    assert found.only("replay_cost_eur", group="attacked", model="never").value == 65.0


def test_stream_without_a_fraud_to_learn_from_is_an_error(stream):
    nothing = np.zeros_like(stream.y_observed)
    with pytest.raises(ValueError, match="replay, training: expected a fraud"):
        replay(
            stream,
            nothing,
            list("abcd"),
            TestReplay.SCHEDULE,
            Recorder(),
            PRACTICE,
            rng=np.random.default_rng(0),
        )
