import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st

from fraud_core.data.toy import toy_clients, toy_clients_card
from fraud_core.errors import ParameterError
from fraud_core.fairness.audit import audit_difference, minimum_group_size
from fraud_core.fairness.groups import join_groups
from fraud_core.fairness.verdict_validation import (
    audit_streams,
    expected_verdict,
    stream_measurements,
    validate_verdicts,
    validation_measurements,
)
from fraud_core.model.estimators import EstimatorConfig

SETTINGS = {"recall": 0.8, "tolerance": 0.05, "detectable_disparity": 0.1}
STREAM = {"n_customers": 500, "n_terminals": 800, "n_days": 50, "radius": 9.0, "group_share": 0.5}
ESTIMATOR = EstimatorConfig("catboost", {"iterations": 40})


def test_verdicts_on_known_disparities_are_right_where_one_is_demanded():
    runs = validate_verdicts(
        disparities=[0.0, 0.1, 0.2],
        sizes=[60, 3000],
        n_draws=40,
        rng=np.random.default_rng(3),
        **SETTINGS,
    )
    found = {row.metric: row.value for row in validation_measurements(runs)}
    assert found["verdict_accuracy"] >= 0.95
    assert found["false_fail_rate"] <= 0.05
    assert {run.expected for run in runs if run.size == 60} == {"insufficient evidence"}
    assert {run.disparity: run.expected for run in runs if run.size == 3000} == {
        0.0: "pass",
        0.1: "fail",
        0.2: "fail",
    }


def test_nothing_is_demanded_where_chance_decides():
    assert expected_verdict(0.0, 400, recall=0.8, tolerance=0.05, minimum_size=293) is None


def test_minimum_group_sizes_are_those_of_the_power_tables():
    assert minimum_group_size(0.2) == 82
    assert minimum_group_size(0.1) == 293


@given(st.integers(0, 82), st.integers(0, 82))
def test_group_below_the_minimum_never_gets_a_verdict(caught_a, caught_b):
    outcome = np.concatenate([np.arange(82) < caught_a, np.arange(82) < caught_b])
    found = audit_difference(
        outcome, np.ones(164, bool), np.repeat(["a", "b"], 82), tolerance=0.1, minimum_size=83
    )
    assert found.verdict == "insufficient evidence"


def test_small_group_keeps_the_others_from_passing_but_not_from_failing():
    group = np.repeat(["a", "b", "c"], [1000, 1000, 3])
    everyone = np.ones(len(group), bool)
    even = np.arange(len(group)) % 2 == 0
    found = audit_difference(even, everyone, group, tolerance=0.1, minimum_size=82)
    assert (found.verdict, found.value) == ("insufficient evidence", 0.0)
    assert "group c has only 3 rows" in found.reason
    assert (
        audit_difference(
            even & (group != "b"), everyone, group, tolerance=0.1, minimum_size=82
        ).verdict
        == "fail"
    )


def test_bias_of_the_streams_is_found_with_its_size_and_none_is_not_made_up():
    audited = {
        "n_streams": 3,
        "estimator": ESTIMATOR,
        "tolerance": 0.1,
        "alert_share": 0.02,
        "detectable_disparity": 0.2,
        "seed": 1,
    }
    biased, even = audit_streams(STREAM, 1.0, **audited), audit_streams(STREAM, 0.0, **audited)
    assert biased.difference.verdict == "fail"
    assert even.difference.verdict != "fail"
    assert biased.difference.value > even.difference.value
    assert even.injected_difference == 0.0
    assert even.difference.ci_low == 0.0
    assert biased.injected_difference > 0.1
    assert biased.difference.value == pytest.approx(biased.injected_difference, abs=0.1)
    assert biased.difference.ci_low <= biased.injected_difference <= biased.difference.ci_high
    rows = {(row.metric, row.group): row for row in stream_measurements(even, biased)}
    assert rows["recall_difference", "biased"].value == biased.difference.value
    assert rows["recall_difference", "biased"].verdict == "fail"


def test_groups_of_one_hot_columns_and_bands():
    found = join_groups(toy_clients(200, seed=0), toy_clients_card(), age_bands=[18, 40, 121])
    assert set(found["sex"]) == {"man", "woman"}
    assert set(found["sex and age"]) == {"man 18-39", "man 40-120", "woman 18-39", "woman 40-120"}


def test_null_in_a_sensitive_column_is_named():
    clients = toy_clients(50, seed=0).with_columns(
        SEX=pl.when(pl.int_range(50) == 3).then(None).otherwise("SEX")
    )
    with pytest.raises(ParameterError, match="SEX: expected a value in every row, 1 are null"):
        join_groups(clients, toy_clients_card(), age_bands=[18, 40, 121])
