from dataclasses import replace

import numpy as np
import pytest

from fraud_core.data.rows import to_transactions
from fraud_core.drift.study.two_days import cbpe_study
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 20})


@pytest.fixture(scope="module")
def days(versions):
    return to_transactions(versions.v0, versions.card), versions.holdout


def test_a_new_pattern_breaks_the_estimate_and_not_its_value(days):
    on_v1, on_v0, broken = cbpe_study(
        *days, estimator=ESTIMATOR, n_resamples=100, rng=np.random.default_rng(0)
    )
    assert on_v1.estimated.value == broken.estimated.value
    assert broken.error.value > on_v1.error.value
    assert broken.realised_frauds == on_v1.realised_frauds + on_v1.realised_frauds // 2
    assert on_v0.realised_frauds < days[0].y_observed.sum()


def test_labels_of_v1_do_not_reach_the_estimate(days):
    v0, v1 = days
    turned = replace(v1, y_observed=v1.y_observed[::-1].copy())
    found = [
        cbpe_study(v0, window, estimator=ESTIMATOR, n_resamples=100, rng=np.random.default_rng(0))[
            0
        ]
        for window in (v1, turned)
    ]
    assert found[0].estimated.value == found[1].estimated.value
    assert found[0].realised.value != found[1].realised.value
