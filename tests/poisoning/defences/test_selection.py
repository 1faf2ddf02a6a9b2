import pytest

from fraud_core.poisoning.defences.selection import VETO, choose_defence

pytestmark = pytest.mark.xdist_group("poisoning")


def test_policy_cleans_only_what_the_scan_found_and_the_trusted_rows_allow(attacked):
    clean, poisoned = attacked("clean", 0.0)[2].scan, attacked("fraud_to_legit", 0.5)[2].scan
    assert choose_defence(clean, {"none": 0.1, "out_of_fold": 0.9})[0] == "none"
    assert choose_defence(poisoned, {"none": 0.7, "out_of_fold": 0.7})[0] == "out_of_fold"
    chosen, reason = choose_defence(poisoned, {"none": 0.7, "out_of_fold": 0.7 - 2 * VETO})
    assert chosen == "none"
    assert "worse by 0.100" in reason
