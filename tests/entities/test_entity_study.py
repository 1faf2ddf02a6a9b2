import numpy as np
import pytest

from fraud_core.data.features import add_features
from fraud_core.data.simulate import StreamSettings, simulate_stream
from fraud_core.entities.study import Events, Scored, compare, measure, study_entities, to_events

FOLDS = {"first_day": 20, "train_days": 7, "delay_days": 7, "test_days": 7, "n_folds": 2}
MODEL = {"seed": 1, "n_threads": 1, "catboost": {"iterations": 30}}


@pytest.fixture(scope="module")
def featured():
    return add_features(
        simulate_stream(StreamSettings(n_customers=400, n_terminals=500, n_days=50, radius=8.0), seed=2)
    )


def test_history_finds_more_fraud_than_the_payment_alone(featured):
    found = study_entities(featured, model=MODEL, folds=FOLDS, k=20, n_replicates=20, rng=np.random.default_rng(1))
    assert found["features.roc_auc"].value > found["raw.roc_auc"].value
    assert found["features.gain.card_precision"].value == pytest.approx(
        found["features.card_precision"].value - found["raw.card_precision"].value
    )
    assert {"random_split.average_precision", "features.gain.average_precision"} <= set(found)


def test_nothing_but_what_is_known_is_a_column(featured):
    names = set(to_events(featured).columns)
    assert not names & {"label", "scenario", "reported_at", "label_source", "group", "customer_id", "terminal_id"}


def by_hand():
    day = np.repeat([0, 1], 4)
    y_true = np.array([1, 0, 0, 0, 1, 0, 0, 0])
    events = Events(day, np.arange(8), y_true, np.full(8, -1), {})
    return events, np.zeros(8, int), np.arange(8)


def test_perfect_and_reversed_scores_by_hand():
    events, fold, row = by_hand()
    perfect = measure(events, Scored(fold, row, events.y_true.astype(float)), 1)
    assert perfect == {"roc_auc": 1.0, "average_precision": 1.0, "card_precision": 1.0}
    worst = measure(events, Scored(fold, row, -events.y_true.astype(float)), 1)
    assert worst["roc_auc"] == 0.0
    assert worst["card_precision"] == 0.0


def test_a_day_counted_twice_counts_as_two_days():
    events, fold, row = by_hand()
    score = np.array([1.0, 0, 0, 0, 0, 1, 0, 0])  # the first day right, the second wrong
    weighted = measure(events, Scored(fold, row, score), 1, np.array([3.0, 1.0]))
    assert weighted["card_precision"] == 0.75


def test_equal_ways_have_no_gain():
    events, fold, row = by_hand()
    same = Scored(fold, row, np.linspace(0, 1, 8))
    found = compare(events, {"one": same, "other": same}, k=2, n_replicates=10, rng=np.random.default_rng(1))
    gain = found["other.gain.roc_auc"]
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)
