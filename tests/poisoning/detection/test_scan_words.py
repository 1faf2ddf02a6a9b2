import re

import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.registry import defence_names, defend
from fraud_core.poisoning.detection.backdoor_triggers import Suspected
from fraud_core.poisoning.detection.scan_findings import Finding, Scan
from fraud_core.poisoning.detection.scan_words import nothing_named, validity
from tests.conftest import ROOT

NAMES = ["V1", "V2", "Amount"]


def scan(*findings, trigger=None, suspicious=False):
    return Scan(np.zeros(1), np.array([suspicious]), 0.0, 0.0, trigger, findings)


@pytest.mark.parametrize(("column", "name"), list(enumerate(NAMES)))
def test_a_trigger_is_named_by_its_column_and_by_no_number(column, name):
    words = Suspected(column, 2.0, 2.5, np.array([True, True]), 1e-9).describe(NAMES)
    assert words.startswith(f"{name} at 2 to 2.5 switches fraud off: 2 payments")
    assert "feature" not in words


def test_a_scan_that_names_no_row_says_why_and_what_to_give():
    finding = Finding("false frauds", 1e-9, 5, "words")
    assert nothing_named(scan(), own_trusted=True) == ""
    assert nothing_named(scan(finding, suspicious=True), own_trusted=True) == ""
    assert nothing_named(scan(finding), own_trusted=True).endswith(
        "with --trusted (make: TRUSTED=path)"
    )
    assert nothing_named(scan(finding), own_trusted=False).endswith("give one that was checked")


def test_any_card_but_ulb_is_warned():
    assert not validity("ulb").startswith("warning")
    assert validity("ULB2").startswith("warning: card ULB2")


def defences_of_the_page(heading):
    text = (ROOT / "docs/poisoning.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(\w+)` \|", text.split(heading)[1].split("\n\n")[0], re.MULTILINE)


def test_the_table_of_defences_holds_those_that_can_be_called_and_no_other():
    assert defences_of_the_page("| defence | what it drops |") == list(defence_names())
    rows = Transactions(
        np.zeros((2, 1)), np.array([0, 1]), np.ones(2), is_validation=np.array([False, True])
    )
    assert defend("none", rows, None, seed=0).rows.y_observed.tolist() == [0, 1]
