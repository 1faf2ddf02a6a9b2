"""What is committed of the tuning: equal budgets, and the
settings of params.yaml are those that the folds chose.
"""

import json

import msgspec

from fraud_core.model.calibration import METHODS
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.storage.tuned_settings import FILE, read_tuning
from tests.conftest import ROOT


def model():
    return msgspec.to_builtins(read_params(ROOT / "params.yaml").model)


def test_every_estimator_had_the_same_budget():
    assert len({tuned.n_tried for tuned in read_tuning().estimators.values()}) == 1


def test_settings_in_use_are_those_that_the_folds_chose():
    record = json.loads((ROOT / FILE).read_bytes())["estimators"]
    for name, found in record.items():
        assert (
            model()["estimators"][name]["settings"]
            == found["settings"][found["chosen"]]["settings"]
        ), name


def test_chosen_setting_is_the_fastest_of_equals():
    record = json.loads((ROOT / FILE).read_bytes())
    for found in record["estimators"].values():
        tried = found["settings"]
        highest = max(one["mean"] for one in tried.values())
        # means are rounded to four digits in the file
        equals = [
            name
            for name, one in tried.items()
            if one["mean"] >= highest - record["equal_within"] - 1e-4
        ]
        fastest = min(tried[name]["cpu_seconds_a_fit"] for name in equals)
        assert tried[found["chosen"]]["cpu_seconds_a_fit"] <= fastest + 0.01


def test_winner_has_the_highest_mean_whatever_came_after():
    tuning = read_tuning()
    assert tuning.winner == max(tuning.estimators, key=lambda name: tuning.estimators[name].mean)
    assert tuning.estimators[tuning.winner].lead_of_winner.value == 0


def test_calibrations_in_use_are_those_that_the_folds_chose():
    record = json.loads((ROOT / "benchmarks/results/calibration.json").read_bytes())["estimators"]
    for name, found in record.items():
        best = min(METHODS, key=lambda method: found["methods"][method]["log_loss_per_1000"])
        assert model()["estimators"][name]["calibration"] == found["chosen"] == best


def test_alternatives_begin_with_the_best_and_keep_to_their_number():
    tuning = read_tuning()
    for name, settings in tuning.alternatives(2).items():
        assert len(settings) <= 2
        assert settings[0] == next(iter(tuning.estimators[name].indistinct.values()))
    assert all(not settings for settings in tuning.alternatives(0).values())
