import pytest

from fraud_core.poisoning.study.headline import attack_table, attacked_conditions, headline_metrics
from tests.poisoning.study.toy_study import HIDDEN, STAMPED, UNTOUCHED

pytestmark = pytest.mark.xdist_group("poisoning")


def test_metrics_are_a_view_of_the_table(measured):
    assert attacked_conditions(measured) == [UNTOUCHED, HIDDEN, STAMPED]
    flat = headline_metrics(measured, limit=0.05)
    assert (flat["fraud_to_legit.none.verdict"], flat["fraud_to_legit.poison_rate"]) == (
        "harm",
        0.9,
    )
    assert (flat["worst.attack"], flat["worst.poison_rate"]) == ("fraud_to_legit", 0.9)
    assert (
        flat["backdoor.policy.success_rate"]
        == measured.only("success_rate", **STAMPED.columns, defence="policy").estimate
    )
    assert flat["scan.clean_batches"] == 3
    assert {
        "null_run.average_precision_null_band",
        "clean.accuracy_cost",
        "fraud_to_legit.average_precision_recovered",
    } <= set(flat)
    assert len(attack_table(measured, limit=0.05)) == 3
