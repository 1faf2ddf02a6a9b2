from pathlib import Path

import pytest

from fraud_core.pipeline.commands.arguments import build_parser
from fraud_core.pipeline.params import STUDIES, SWEEPS


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
    assert ended.value.code == 2
    assert "usage: python -m fraud_core" in capsys.readouterr().err
