import numpy as np
import pytest

from fraud_core.drift.replay.daily_replay import POLICIES, Day
from fraud_core.drift.study.streams import (
    StreamRun,
    detection_words,
    stream_rows,
    stream_study,
)
from fraud_core.errors import ParameterError
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.model.estimators import EstimatorConfig

SETTING = {
    "stream": {"n_customers": 150, "n_terminals": 200, "n_days": 30, "radius": 20.0},
    "first_day": 2,
    "train_days": 8,
    "reference_days": 8,
    "window_days": 7,
    "label_delay_days": 3,
    "retrain_days": 4,
    "alert_share": 0.05,
    "change_day": 24,
    "suppressed_share": 0.6,
    "drifts": {"covariate": 0.8},
    "n_scenarios": 5,
    "n_seeds": 1,
}


def evening(day, cause="none", features="significant", cost=10.0):
    return Day(day, features, (), cause, 0.9, 10, 8, (), dict.fromkeys(POLICIES, cost))


def made_run(named_on, extra):
    plain = [evening(day) for day in range(5, 10)]
    hidden = [
        evening(day, "suppressed_labels" if day >= named_on else "none", cost=10.0 + extra)
        for day in range(5, 10)
    ]
    return StreamRun({"plain": plain, "suppressed_labels": hidden}, 6, 1000, 0.01)


def tabled(runs):
    return StudyTable.from_measurements(stream_rows(runs), table="simulated", study="drift")


def test_summary_by_hand():
    # named on the second and third day of the change; two and three days of 1 and 3 euros more
    # until then
    runs = [made_run(7, 1.0), made_run(8, 3.0)]
    found = tabled(runs)
    named = found.only("named_days", group="suppressed_labels").interval
    until = found.only("until_named_eur", group="suppressed_labels")
    assert named.value == 2.5
    # Student's t with one degree of freedom: 12.706 times the deviation 0.7071 over the root of two
    assert named.ci_high - named.value == pytest.approx(12.7062 * 0.5, rel=1e-4)
    assert until.value == pytest.approx((2 * 1.0 + 3 * 3.0) / 2)
    extra = found.only("after_extra_eur", group="suppressed_labels")
    assert extra.value == pytest.approx((4 * 1.0 + 4 * 3.0) / 2)
    assert found.only("attack_day_share").value == 0.0
    assert detection_words(runs) == (
        "suppressed labels named in 2 of 2 streams, on day 2 to 3 and never seen by the monitor"
    )


def test_change_that_is_never_named_has_no_day_and_costs_until_the_end():
    found = tabled([made_run(99, 2.0)])
    assert not found.has("named_days")
    assert found.only("until_named_eur").value == 8.0
    assert found.only("named_share").value == 0.0
    assert "never named" in detection_words([made_run(99, 2.0)])


def test_streams_are_alike_before_the_change_and_large_moves_are_seen():
    thresholds = {"n_bins": 10, "psi_threshold": 0.1, "alpha": 0.05}
    estimator = EstimatorConfig("catboost", {"iterations": 10})
    run = stream_study(
        SETTING,
        estimator=estimator,
        thresholds=thresholds,
        review_cost_eur=5.0,
        seed=1,
        rng=np.random.default_rng(1),
    )[0]
    assert set(run.days) == {"plain", "suppressed_labels", "covariate"}
    before = {
        name: [day.cost_eur for day in days if day.day < 24] for name, days in run.days.items()
    }
    assert before["plain"] == before["suppressed_labels"] == before["covariate"]
    assert any("amount_eur" in day.material for day in run.days["covariate"])
    assert not any("amount_eur" in day.material for day in run.days["plain"])
    assert len(tabled([run]).where(metric="after_change_eur", group="covariate")) == len(POLICIES)


@pytest.mark.parametrize("day", [20, 30])
def test_change_outside_the_replayed_days_is_refused(day):
    with pytest.raises(ParameterError, match="change_day: expected a day from 21"):
        stream_study(
            SETTING | {"change_day": day},
            estimator=EstimatorConfig("catboost"),
            thresholds={},
            review_cost_eur=5.0,
            seed=1,
            rng=np.random.default_rng(1),
        )
