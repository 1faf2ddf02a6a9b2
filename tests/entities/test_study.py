import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.entities.study import (
    Events,
    cards_in_a_day,
    compare,
    known_labels,
    measure,
    rank_fold,
    study_entities,
    to_events,
)
from fraud_core.errors import ParameterError
from fraud_core.evaluation.prequential import Fold
from fraud_core.features.offline import DAY_SECONDS, add_features
from fraud_core.model.estimators import EstimatorConfig

FOLDS = {"first_day": 20, "train_days": 7, "delay_days": 7, "test_days": 7, "n_folds": 2}
ESTIMATOR = EstimatorConfig("catboost", {"iterations": 30})


@pytest.fixture(scope="module")
def featured():
    return add_features(
        simulate_stream(
            StreamSettings(n_customers=400, n_terminals=500, n_days=50, radius=8.0), seed=2
        )
    )


def test_history_finds_more_fraud_than_the_payment_alone(featured):
    found = study_entities(
        featured,
        estimator=ESTIMATOR,
        folds=FOLDS,
        k=20,
        n_replicates=20,
        rng=np.random.default_rng(1),
    )
    assert found["features.roc_auc"].value > found["raw.roc_auc"].value
    assert found["features.gain.card_precision"].value == pytest.approx(
        found["features.card_precision"].value - found["raw.card_precision"].value
    )
    assert {"random_split.average_precision", "features.gain.average_precision"} <= set(found)


def test_cards_that_can_be_investigated_are_those_that_pay_and_are_not_known(featured):
    day, begin = pl.col("time") // DAY_SECONDS, 20 + 7 + 7
    known = pl.col("customer_id").filter(pl.col("reported_at") // DAY_SECONDS < begin)
    first = FOLDS | {"n_folds": 1, "known": "stream"}
    tested = featured.filter(
        ~pl.col("customer_id").is_in(known.implode()), (day >= begin) & (day < begin + 7)
    )
    by_day = tested.group_by(day.alias("day")).agg(pl.col("customer_id").n_unique())["customer_id"]
    assert by_day.len() == 7
    assert cards_in_a_day(featured, first) == pytest.approx(by_day.mean())
    assert cards_in_a_day(featured, first) < featured["customer_id"].n_unique()


def test_nothing_but_what_is_known_is_a_column(featured):
    names = set(to_events(featured).columns)
    assert not names & {
        "label",
        "scenario",
        "reported_at",
        "label_source",
        "group",
        "customer_id",
        "terminal_id",
    }


def by_hand(score, k):
    day = np.repeat([0, 1], 4)
    y_true = np.array([1, 0, 0, 0, 1, 0, 0, 0])
    events = Events(day, np.arange(8), y_true, np.full(8, -1), {})
    return rank_fold(events, np.arange(8), np.asarray(score, float), k)


LABELS = np.array([1, 0, 0, 0, 1, 0, 0, 0])


def test_perfect_and_reversed_scores_by_hand():
    assert measure([by_hand(LABELS, 1)]) == {
        "roc_auc": 1.0,
        "average_precision": 1.0,
        "card_precision": 1.0,
    }
    worst = measure([by_hand(-LABELS, 1)])
    assert worst["roc_auc"] == 0.0
    assert worst["card_precision"] == 0.0


def test_a_day_counted_twice_counts_as_two_days():
    fold = by_hand([1.0, 0, 0, 0, 0, 1, 0, 0], 1)  # the first day right, the second wrong
    assert measure([fold], np.array([3.0, 1.0]))["card_precision"] == 0.75


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 3)), min_size=4, max_size=40
    )
)
def test_weighted_metrics_are_those_of_scikit_learn(rows):
    score, y_true, day = (np.array(each) for each in zip(*rows, strict=True))
    weight = np.array([2.0, 1.0, 0.0, 3.0])
    kept = weight[day] > 0
    if len(np.unique(y_true[kept])) < 2:
        return
    events = Events(day, np.arange(len(day)), y_true, np.full(len(day), -1), {})
    found = measure([rank_fold(events, np.arange(len(day)), score.astype(float), 2)], weight)
    expected = {"sample_weight": weight[day]}
    assert found["roc_auc"] == pytest.approx(roc_auc_score(y_true, score, **expected))
    assert found["average_precision"] == pytest.approx(
        average_precision_score(y_true, score, **expected)
    )


def test_equal_ways_have_no_gain():
    same = by_hand(np.linspace(0, 1, 8), 2)
    found = compare({"one": [same], "other": [same]}, n_replicates=10, rng=np.random.default_rng(1))
    gain = found["other.gain.roc_auc"]
    assert (gain.value, gain.ci_low, gain.ci_high) == (0.0, 0.0, 0.0)


def test_fraud_that_nobody_reported_in_time_is_not_learnt_as_one():
    fold = Fold(np.array([0, 1, 2]), np.array([3]), day=10)
    events = Events(
        np.array([1, 1, 1, 11]), np.arange(4), np.array([1, 1, 0, 0]), np.array([4, 12, -1, -1]), {}
    )
    assert known_labels(events, fold).tolist() == [1, 0, 0]


def test_step_of_one_class_is_named(featured):
    few = featured.with_columns(label=0, reported_at=pl.lit(None, dtype=pl.Int64))
    with pytest.raises(
        ParameterError, match="training rows of the step that is tested from day 34"
    ):
        study_entities(
            few,
            estimator=ESTIMATOR,
            folds=FOLDS,
            k=20,
            n_replicates=2,
            rng=np.random.default_rng(1),
        )


def test_table_that_is_too_short_is_named(featured):
    with pytest.raises(ParameterError, match="need 104 days, the events have 50"):
        study_entities(
            featured,
            estimator=ESTIMATOR,
            folds=FOLDS | {"n_folds": 10},
            k=20,
            n_replicates=2,
            rng=np.random.default_rng(1),
        )
