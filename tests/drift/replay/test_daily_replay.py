from dataclasses import replace

import numpy as np
import pytest

from fraud_core.drift.attribution.attributor import Attribution
from fraud_core.drift.replay import daily_replay as stream_replay
from fraud_core.drift.replay.daily_replay import (
    POLICIES,
    DailySchedule,
    Day,
    days_to_detect,
    fit_initial,
    replay_days,
)
from fraud_core.drift.replay.stream_transactions import StreamTransactions, on_days
from fraud_core.features.offline import DAY_SECONDS
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 10})
THRESHOLDS = {"psi_threshold": 0.1, "alpha": 0.05}
SCHEDULE = DailySchedule(
    first_day=1,
    train_days=4,
    reference_days=4,
    window_days=2,
    label_delay_days=2,
    retrain_days=3,
    alert_share=0.1,
)


class Recorder:
    """Stands for an attributor and remembers the labels it was shown."""

    def __init__(self):
        self.seen = []

    def attribute(self, reference, current, *, rng):
        self.seen.append(int(current.y_observed.sum()))
        return Attribution("none", 1.0, {}, "")


def made_rows(n_days=18, per_day=300, moved_from=None):
    rng = np.random.default_rng(7)
    time = np.sort(rng.uniform(0, n_days * DAY_SECONDS, n_days * per_day)).round()
    y = (rng.random(len(time)) < 0.1).astype(int)
    features = rng.normal(size=(len(time), 3)).astype(np.float32)
    features[y == 1, 0] += 2.0
    if moved_from:
        features[time >= moved_from * DAY_SECONDS, 2] += 1.5
    reported = np.where(y == 1, time + rng.exponential(1.0, len(time)) * DAY_SECONDS, np.inf)
    return StreamTransactions(
        ("a", "b", "c"), features, y, np.full(len(time), 40.0), time, reported
    )


@pytest.fixture
def warm_start(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(stream_replay, "learn_causes", lambda built, seed: recorder)
    monkeypatch.setattr(stream_replay, "run_scenarios", lambda *args, **kwargs: [])
    return fit_initial(
        made_rows(),
        SCHEDULE,
        estimator=ESTIMATOR,
        n_bins=10,
        n_scenarios=1,
        seed=0,
        rng=np.random.default_rng(0),
    )


def run(rows, warm_start, until=18):
    return replay_days(
        rows,
        SCHEDULE,
        warm_start,
        estimator=ESTIMATOR,
        thresholds=THRESHOLDS,
        review_cost_eur=5.0,
        until=until,
        rng=np.random.default_rng(0),
    )


def test_nothing_that_is_known_later_reaches_an_evening(warm_start):
    """Rows, labels and reports of later days are changed; every evening before is the same."""
    rows = made_rows()
    today = 14
    later = np.arange(len(rows.time)) >= on_days(rows, 0, today).stop
    features, y = rows.features.copy(), np.where(later, 1 - rows.y_true, rows.y_true)
    features[later] += 5.0
    reported = np.where(rows.reported_at >= today * DAY_SECONDS, np.inf, rows.reported_at)
    changed = replace(rows, features=features, y_true=y, reported_at=reported)
    assert run(rows, warm_start, today) == run(changed, warm_start, today)


def test_models_change_at_their_time_and_only_when_asked(warm_start):
    days = run(made_rows(), warm_start)
    assert [day.day for day in days if "regular" in day.retrained] == [13, 16]
    assert not any("never" in day.retrained or "on_material_drift" in day.retrained for day in days)
    assert set(days[0].cost_eur) == set(POLICIES)
    assert len(set(days[0].cost_eur.values())) == 1


def test_moved_column_is_named_by_the_monitor_and_sets_off_a_training(warm_start):
    days = run(made_rows(moved_from=14), warm_start)
    assert {day.features for day in days if day.day < 14} <= {"stable", "significant"}
    assert days_to_detect(days, change_day=14) == 1
    fifteenth = next(day for day in days if day.day == 15)
    assert "c" in fifteenth.material
    assert not {"a", "b"} & set(fifteenth.material)
    assert any("on_material_drift" in day.retrained for day in days if day.day >= 14)


def test_attribution_reads_labels_at_one_age(warm_start):
    rows = made_rows()
    warm_start.attributor.seen.clear()
    run(rows, warm_start, until=SCHEDULE.start + 1)
    part = on_days(rows, SCHEDULE.start - 3, SCHEDULE.start - 1)
    assert warm_start.attributor.seen == [int(rows.labels_at_maturity(2)[part].sum())]


def test_cost_by_hand():
    class Ranks:
        def decision_function(self, features):
            return features[:, 0]

    rows = StreamTransactions(
        ("a",),
        np.array([[3.0], [2.0], [1.0], [0.0]], np.float32),
        np.array([0, 1, 1, 0]),
        np.array([1.0, 20.0, 30.0, 1.0]),
        np.zeros(4),
        np.full(4, np.inf),
    )
    # half is reviewed: the first two rows, so the fraud of 30 euros is missed
    cost = stream_replay._cost(rows, slice(0, 4), Ranks(), replace(SCHEDULE, alert_share=0.5), 5.0)
    assert cost == 30.0 + 2 * 5.0


def test_days_until_a_change_is_seen():
    def evening(day, features="significant", cause="none"):
        return Day(day, features, (), cause, 0.9, 0, 0, (), {})

    days = [
        evening(9, "material", "label_shift"),
        evening(10),
        evening(11, cause="label_shift"),
        evening(12, "material"),
    ]
    assert days_to_detect(days, change_day=10) == 3
    assert days_to_detect(days, change_day=10, causes=["label_shift"]) == 2
    assert days_to_detect(days, change_day=10, causes=["covariate"]) is None


def test_training_days_without_a_report_are_an_error():
    rows = replace(made_rows(), reported_at=np.full(len(made_rows().time), np.inf))
    with pytest.raises(ValueError, match="expected a reported fraud"):
        fit_initial(
            rows,
            SCHEDULE,
            estimator=ESTIMATOR,
            n_bins=10,
            n_scenarios=5,
            seed=0,
            rng=np.random.default_rng(0),
        )
