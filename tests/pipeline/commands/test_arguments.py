import re
from pathlib import Path

import pytest

from fraud_core.pipeline.commands.arguments import (
    EXIT_CODES,
    GROUPS,
    USAGE_EXIT_CODE,
    build_parser,
)
from fraud_core.pipeline.commands.cli import COMMANDS, main
from fraud_core.pipeline.params import STUDIES, SWEEPS
from tests.conftest import ROOT


def read(*words):
    return build_parser().parse_args(words)


@pytest.mark.parametrize("name", [*STUDIES, *SWEEPS])
def test_every_study_can_be_asked_for_and_is_quick_unless_said_otherwise(name):
    assert (read("study", name).name, read("study", name).profile) == (name, "quick")
    assert read("study", name, "--profile", "full").profile == "full"


def test_paths_and_flags_are_read():
    compared = read("drift", "a.csv", "b.csv", "--json", "--card", "shop")
    assert (compared.reference, compared.current) == (Path("a.csv"), Path("b.csv"))
    assert (compared.json, compared.card) == (True, "shop")
    assert read("scan", "a.csv").trusted is None
    assert not read("stages").check
    assert read("readme", "--check").check


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("study",),
        ("study", "astrology"),
        ("study", "drift", "--profile", "slow"),
        ("rollback", "--by", "someone"),
        ("lineage", "forget", "0"),
        ("drift", "a.csv"),
    ],
)
def test_incomplete_or_unknown_command_ends_with_its_usage(words, capsys):
    with pytest.raises(SystemExit) as ended:
        read(*words)
    assert ended.value.code == USAGE_EXIT_CODE
    assert "usage: fraud" in capsys.readouterr().err


def test_help_lists_every_command_below_its_group():
    text = build_parser().format_help()
    for title in GROUPS:
        assert f"\n{title}\n" in text
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.MULTILINE), command


def test_the_page_of_commands_names_each_of_them_and_every_exit_code():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"`fraud {command}" in page, command
    for code, words in EXIT_CODES.items():
        assert f"| {code} | {words} |" in page


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_the_commands(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "fraud" in script
    assert "rollback" in script
