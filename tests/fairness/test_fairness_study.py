import numpy as np
import polars as pl
import pytest

from fraud_core.data.card import Column
from fraud_core.data.splits import split_by_time
from fraud_core.data.toy import toy_card, toy_clients, toy_clients_card, toy_transactions
from fraud_core.errors import ParameterError
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.audit import GroupRate, rates_by_group
from fraud_core.fairness.audited_decisions import decide_and_join, decide_payments
from fraud_core.fairness.disparity import Disparity
from fraud_core.fairness.groups import join_groups
from fraud_core.fairness.report_metrics import threshold_measurements
from fraud_core.fairness.study import (
    AuditStudy,
    Tolerances,
    assessability,
    audit_over_thresholds,
    audit_payments,
    audit_table,
    fairlearn_frame,
)
from fraud_core.fairness.summary import audit_measurements, audit_words
from fraud_core.model.estimators import EstimatorConfig

TOLERANCES = Tolerances(difference=0.1, ratio=0.8, detectable_disparity=0.2)
SPLIT = {"n_folds": 2, "selection_rate": 0.2, "age_bands": [18, 40, 121]}
ESTIMATOR = EstimatorConfig("catboost", {"iterations": 20})


def tabled(study):
    return StudyTable.from_measurements(audit_measurements(study), table="toy", study="fairness")


def test_sensitive_columns_never_reach_the_model(rng):
    clients, card = toy_clients(1500, seed=0), toy_clients_card()
    shuffled = clients.with_columns(clients["SEX"].shuffle(seed=1), clients["AGE"].shuffle(seed=2))
    decided = [
        decide_and_join(table, card, estimator=ESTIMATOR, rng=np.random.default_rng(0), **SPLIT)
        for table in (clients, shuffled)
    ]
    np.testing.assert_array_equal(decided[0].y_alert, decided[1].y_alert)
    assert (decided[0].sensitive["sex"] != decided[1].sensitive["sex"]).any()


def test_audit_agrees_with_fairlearn_by_group():
    clients = toy_clients(1500, seed=0)
    decided = decide_and_join(
        clients, toy_clients_card(), estimator=ESTIMATOR, rng=np.random.default_rng(0), **SPLIT
    )
    frame = fairlearn_frame(decided, "sex").by_group
    for rate in rates_by_group(decided.y_alert, decided.y_true == 1, decided.sensitive["sex"]):
        assert frame.loc[rate.group, "recall"] == pytest.approx(rate.rate)


def test_absent_table_is_not_run_and_gives_no_figure():
    study = audit_table(None, estimator=ESTIMATOR, tolerances=TOLERANCES, seed=0, **SPLIT)
    assert study.verdict.startswith("not run")
    words = dict.fromkeys(("verdict", "failing", "passing", "worst_words"), study.verdict)
    assert audit_words(study) == words | {"reason": "the table was not fetched"}
    attributes = tabled(study).only("attributes")
    assert (attributes.value, attributes.verdict) == (0, Verdict.NOT_ASSESSABLE)
    assert audit_over_thresholds(study, [0.1], TOLERANCES) == {}


def judged(**verdicts):
    """An audit whose attributes have these verdicts
    on recall; every other rate and ratio passes.
    """
    good = Disparity(0.01, 0.0, 0.02, Verdict.PASS, "small")
    ratio = Disparity(0.95, 0.9, 1.0, Verdict.PASS, "near")
    rates = ("selection rate", "recall", "false-positive rate", "equalised odds")
    values = {Verdict.FAIL: 0.3, Verdict.INSUFFICIENT: 0.1, Verdict.PASS: 0.01}
    differences = {
        name.replace("_", " "): dict.fromkeys(rates, good)
        | {
            rate: Disparity(values[v], values[v] - 0.01, values[v] + 0.01, v, "r")
            for rate in ("recall", rates[3])
        }
        for name, v in verdicts.items()
    }
    counts = {name: {"recall": [GroupRate("a", 1, 2, 0.5, 0.0, 1.0)] * 3} for name in differences}
    ratios = {name: dict.fromkeys(rates[:3], ratio) for name in differences}
    return AuditStudy(Verdict.FAIL, "", None, counts, differences, ratios, [])


def test_every_figure_names_its_attribute_and_an_attribute_that_passes_is_not_called_a_fail():
    study = judged(sex=Verdict.PASS, education=Verdict.FAIL, age_band=Verdict.INSUFFICIENT)
    said, table = audit_words(study), tabled(study)
    assert (said["failing"], said["passing"]) == ("education", "sex")
    verdicts = {row.group: row.verdict for row in table.where(metric="differences_failing")}
    assert verdicts == {
        "sex": "pass",
        "education": "fail",
        "age band": "insufficient evidence",
    }
    assert (said["worst_attribute"], said["worst_attribute_groups"]) == ("education", 3)
    assert table.only("attributes").value == 3
    assert said["worst_words"] == "0.300 (0.290 to 0.310) between the 3 groups of education"


def test_table_study_reports_every_attribute_and_rate():
    study = audit_table(
        (toy_clients(1500, seed=0), toy_clients_card()),
        estimator=ESTIMATOR,
        tolerances=TOLERANCES,
        seed=0,
        **SPLIT,
    )
    assert len(study.rows()) == 12
    shown = {(row["attribute"], row["group"]): row["recall"] for row in study.by_group}
    assert shown[("sex", "man")] == pytest.approx(study.rates["sex"]["recall"][0].rate)
    table = tabled(study)
    for kind in ("demographic_parity", "equal_opportunity", "predictive_equality"):
        assert table.has(f"{kind}_difference", group="sex")
        ratio = table.only(f"{kind}_ratio", group="sex").interval
        assert 0 <= ratio.ci_low <= ratio.ci_high <= 1
    assert table.only("equalized_odds_difference", group="sex and age").verdict in (
        "pass",
        "fail",
        "insufficient evidence",
    )
    curves = audit_over_thresholds(study, [0.1, 0.2], TOLERANCES)
    extremes = {(row.metric, row.group): row.value for row in threshold_measurements(curves)}
    assert (
        extremes["thresholds_equalized_odds_maximum", "sex"]
        >= table.only("equalized_odds_difference", group="sex").value
    )


def test_card_without_sensitive_columns_is_not_assessable(card):
    assert assessability(card)[0] == "not assessable"
    assert assessability(toy_clients_card())[0] == "assessable"


def own(sex, role="sensitive", **columns):
    """Payments of a card with a sensitive column of
    text and other columns of a role, and the card.
    """
    card = toy_card()
    sensitive = (
        Column("sex", "sensitive", "string"),
        *(Column(name, role, "int") for name in columns),
    )
    table = toy_transactions(len(sex), seed=5, fraud_share=0.2).with_columns(
        pl.Series("sex", sex), *(pl.Series(name, values) for name, values in columns.items())
    )
    return table, type(card)(
        **{f: getattr(card, f) for f in card.__struct_fields__}
        | {"columns": card.columns + sensitive}
    )


PAYMENTS = {"estimator": ESTIMATOR, "alert_budget": 0.2, "age_bands": [18, 40, 121]}


def test_own_payments_are_audited_and_the_sensitive_column_never_reaches_the_model(rng):
    table, card = own(rng.choice(["f", "m"], 4000))
    other = table.with_columns(table["sex"].shuffle(seed=1))
    first, second = (
        decide_payments(*split_by_time(each, card), card, **PAYMENTS) for each in (table, other)
    )
    np.testing.assert_array_equal(first.log_odds, second.log_odds)
    assert (first.sensitive["sex"] != second.sensitive["sex"]).any()
    study = audit_payments(*split_by_time(table, card), card, tolerances=TOLERANCES, **PAYMENTS)
    assert study.verdict in ("pass", "insufficient evidence")
    assert set(study.differences) == {"sex"}
    assert study.decided.y_alert.mean() == pytest.approx(0.2, abs=0.01)


def test_payments_of_few_customers_are_judged_by_their_effective_sample_size(rng):
    """Twenty customers of each sex tell little, however many payments they make."""
    customer = rng.integers(0, 40, 4000)
    table, card = own(np.where(customer % 2, "f", "m"), role="entity", customer=customer)
    v0, v1 = split_by_time(table, card)
    # each customer's frauds are caught or missed together
    seen = v1.with_columns(
        V1=pl.when((pl.col("Class") == 1) & (pl.col("customer") % 4 < 2)).then(9.0).otherwise("V1")
    )
    study = audit_payments(v0, seen, card, tolerances=TOLERANCES, **PAYMENTS)
    recall = study.rates["sex"]["recall"]
    assert all(rate.design_effect > 1 for rate in recall)
    assert study.differences["sex"]["recall"].verdict == "insufficient evidence"
    assert "an effective sample size of" in study.differences["sex"]["recall"].reason


def test_bias_in_own_payments_is_found():
    """Frauds of one group keep the features of genuine payments, so they are missed."""
    sex = np.random.default_rng(3).choice(["f", "m"], 6000)
    table, card = own(sex)
    hurt = (table["sex"] == "f").to_numpy() & (table["Class"] == 1).to_numpy()
    plain = np.random.default_rng(4).normal(size=(4, 6000))
    table = table.with_columns(
        pl.Series(f"V{k}", np.where(hurt, plain[k - 1], table[f"V{k}"].to_numpy()))
        for k in range(1, 5)
    )
    study = audit_payments(*split_by_time(table, card), card, tolerances=TOLERANCES, **PAYMENTS)
    assert study.verdict == "fail"
    assert study.differences["sex"]["recall"].ci_low > 0.3


def test_group_that_training_never_saw_is_audited_or_named(rng):
    sex = np.where(np.arange(4000) < 2500, "m", rng.choice(["f", "m"], 4000))
    table, card = own(sex)
    v0, v1 = split_by_time(table, card)
    assert set(v0["sex"]) != set(v1["sex"])
    study = audit_payments(v0, v1, card, tolerances=TOLERANCES, **PAYMENTS)
    assert [rate.group for rate in study.rates["sex"]["recall"]] == ["f", "m"]
    assert study.verdict in ("pass", "insufficient evidence")


def test_one_group_alone_is_not_assessable():
    table, card = own(np.repeat("m", 2000))
    study = audit_payments(*split_by_time(table, card), card, tolerances=TOLERANCES, **PAYMENTS)
    assert study.verdict == "not assessable"
    assert study.reason.endswith("only one group: m")
    assert tabled(study).only("differences_failing", group="sex").verdict == "not assessable"
    assert not tabled(study).has("equal_opportunity_difference")


def test_groups_of_one_row_get_a_stated_verdict():
    table, card = own([f"person {k}" for k in range(400)])
    study = audit_payments(*split_by_time(table, card), card, tolerances=TOLERANCES, **PAYMENTS)
    assert study.verdict == "insufficient evidence"
    assert "at least 82 are needed" in study.reason


def test_null_in_an_own_sensitive_column_is_a_clear_error():
    table, card = own(["f", None] * 500)
    with pytest.raises(
        ParameterError, match=r"sex: expected a value in every row, .* are null; drop those rows"
    ):
        audit_payments(*split_by_time(table, card), card, tolerances=TOLERANCES, **PAYMENTS)


def test_ages_are_banded_and_other_numbers_cut_at_quartiles_and_the_first_two_joined(rng):
    table, card = own(
        rng.choice(["f", "m"], 400),
        customer_age=rng.integers(18, 90, 400),
        income=np.arange(400),
        region=rng.integers(0, 3, 400),
    )
    found = join_groups(table, card, age_bands=[18, 40, 121])
    assert set(found) == {"sex", "age band", "income", "region", "sex and age"}
    assert set(found["age band"]) == {"18-39", "40-120"}
    assert np.unique(found["income"], return_counts=True)[1].tolist() == [100, 100, 100, 100]
    assert set(found["region"]) == {"0", "1", "2"}
    without_age = join_groups(
        *own(rng.choice(["f", "m"], 400), region=rng.integers(0, 2, 400)), age_bands=[18, 121]
    )
    assert set(without_age["sex and region"]) == {"f 0", "f 1", "m 0", "m 1"}


def test_age_outside_the_bands_is_a_clear_error(rng):
    table, card = own(rng.choice(["f", "m"], 400), age=np.repeat(17, 400))
    with pytest.raises(ParameterError, match="age_bands: expected edges around 17"):
        join_groups(table, card, age_bands=[18, 121])
