"""The register of choices is a table that pages count,
and a row that says neither yes nor no is refused.
"""

import re

import pytest

from fraud_core.errors import ResultError
from fraud_core.pipeline.reporting import choices
from tests.conftest import ROOT


def test_register_counts_what_its_rows_say():
    counts = choices.choice_counts()
    text = (ROOT / "docs/choices.md").read_text()
    assert counts["known"] == text.count("| yes |")
    assert counts["total"] == len(re.findall(r"^\| \d+ \|", text, re.MULTILINE))
    assert counts["known"] >= 4


def test_links_of_the_register_lead_somewhere():
    for choice in choices.read_choices():
        for target in re.findall(r"\]\(([^)#]+)\)", choice.evidence):
            assert (ROOT / "docs" / target).is_file(), target
        for place in re.findall(r"`((?:benchmarks|fraud_core|data)/[\w./]+)`", choice.evidence):
            assert (ROOT / place).is_file(), place


@pytest.mark.parametrize(
    "row",
    [
        "| 1 | a | b | perhaps | c |",
        "| 2 | a | b | yes | c |",
        "| 1 | a | b | yes |",
        "| 1 | a |  | no | c |",
    ],
)
def test_row_that_says_nothing_is_refused(row, tmp_path, monkeypatch):
    page = tmp_path / "choices.md"
    page.write_text(
        "| " + " | ".join(choices.COLUMNS) + " |\n| --- | --- | --- | --- | --- |\n" + row + "\n"
    )
    monkeypatch.setattr(choices, "within_project", lambda _: page)
    with pytest.raises(ResultError, match="row 1: expected"):
        choices.read_choices()
