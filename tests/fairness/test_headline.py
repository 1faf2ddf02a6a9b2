"""The table of the study holds every figure once; another
sensitive column changes its rows and no name of metrics.json.
"""

from dataclasses import replace

import pytest

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness import headline
from fraud_core.fairness.disparity import Disparity
from fraud_core.fairness.group_label_suppression import CHANGES, SuppressionEffect
from fraud_core.fairness.mitigation.pareto_front import EvaluatedMethod
from fraud_core.fairness.report_metrics import mitigation_measurements, suppression_measurements
from fraud_core.fairness.study import nothing_audited
from fraud_core.fairness.summary import audit_measurements
from fraud_core.fairness.verdict_validation import StreamAudit, stream_measurements
from tests.fairness.test_fairness_study import judged

HALF, LEFT = Estimate(0.5, 0.4, 0.6), Estimate(0.45, 0.3, 0.49)
OWN = nothing_audited(Verdict.NOT_ASSESSABLE, "no sensitive column")
BIASED = StreamAudit(Disparity(0.3, 0.2, 0.4, Verdict.FAIL, "beyond the tolerance"), 0.25)
EVEN = StreamAudit(Disparity(float("nan"), 0.0, 1.0, Verdict.INSUFFICIENT, "few"), 0.0)
FRONT = [
    EvaluatedMethod(
        "champion", None, HALF, Estimate(1.0, 1.0, 1.0), Estimate(1.0, 1.0, 1.0), 0.0, 0.2
    ),
    EvaluatedMethod("group thresholds within the budget", 0.02, LEFT, LEFT, HALF, 0.75, 0.2),
    EvaluatedMethod("group thresholds within the budget", 0.05, HALF, HALF, HALF, 0.25, 0.2),
]
SUPPRESSION = [
    SuppressionEffect(share, rate, 9, dict.fromkeys(CHANGES, Estimate(-share, -share, -share)))
    for rate in (0.1, 0.2)
    for share in (0.0, 0.3, 0.6)
]


def study(own, clients, group="woman"):
    table = headline.fairness_table(
        audit_measurements(own),
        [
            *audit_measurements(clients),
            *mitigation_measurements(FRONT, clients.most_unequal),
            *suppression_measurements(SUPPRESSION, 0.2, group),
        ],
        stream_measurements(EVEN, BIASED),
        table="toy",
    )
    flat = headline.headline(table, clients, FRONT, SUPPRESSION, tolerance=0.02, selection_rate=0.2)
    return table, flat | headline.words(own, clients, EVEN, BIASED)


def test_headline_metrics_are_figures_of_the_table():
    table, flat = study(OWN, judged(sex=Verdict.PASS, education=Verdict.FAIL))
    values = set(table.frame["value"].to_list())
    numbers = {
        name: one.value if isinstance(one, Estimate) else one
        for name, one in flat.items()
        if not isinstance(one, str | bool)
    }
    assert set(numbers.values()) <= values
    assert len(flat) < 60
    assert flat["uci_default.sex.predictive_equality_ratio_verdict"] == "pass"
    assert flat["uci_default.equalized_odds_difference"] == HALF
    assert flat["uci_default.mitigated.residual_disparity_ratio"] == LEFT
    assert flat["uci_default.mitigated.verdict"] == "halved"
    assert flat["payments.verdict"] == "not assessable"


def test_largest_suppressed_share_is_read_out_at_the_audited_rate():
    table, flat = study(OWN, judged(sex=Verdict.PASS))
    assert flat["uci_default.poisoning.group_recall_change"].value == -0.6
    assert flat["uci_default.poisoning.first_visible.group_recall"] == "30%"
    chosen = table.only(
        "group_recall_change", attack="suppressed_positives", poison_rate=0.3, group="woman"
    )
    assert chosen.value == pytest.approx(-0.3)


def test_undefined_difference_has_no_row_and_a_verdict_in_words():
    table, flat = study(OWN, judged(sex=Verdict.PASS))
    assert not table.has("recall_difference", group="even")
    assert table.only("recall_difference", group="biased").verdict == Verdict.FAIL
    assert flat["stream.even.verdict"] == "insufficient evidence"
    assert "stream.even.recall_difference" not in flat


def test_another_sensitive_column_changes_rows_and_no_name():
    clients = judged(sex=Verdict.PASS)
    first, names = study(judged(gender=Verdict.FAIL), clients)
    second, others = study(judged(region=Verdict.FAIL, age_band=Verdict.PASS), clients)
    assert set(names) == set(others)
    assert first.has("equal_opportunity_ratio", table="toy", group="gender")
    assert not second.has("equal_opportunity_ratio", table="toy", group="gender")
    assert second.has("equal_opportunity_ratio", table="toy", group="age band")
    undefined = replace(judged(gender=Verdict.FAIL), verdict=Verdict.INSUFFICIENT)
    assert study(undefined, clients)[0].only("attributes", table="toy").verdict == (
        Verdict.INSUFFICIENT
    )
