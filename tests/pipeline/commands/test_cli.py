import pytest

from fraud_core.pipeline.commands.cli import main


def test_error_is_one_line_without_a_traceback(project, capsys):
    assert main(["prepare"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: data/raw/ulb: nothing fetched yet")
    assert "Traceback" not in captured.err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for command in (
        "source",
        "fetch",
        "prepare",
        "poison",
        "train",
        "study",
        "promote",
        "report",
        "summary",
        "track",
    ):
        assert command in text


def test_unknown_study_is_refused(project, capsys):
    with pytest.raises(SystemExit):
        main(["study", "astrology"])
    assert "invalid choice" in capsys.readouterr().err


def test_own_table_then_prepare_through_the_commands(project, own_table, capsys):
    assert main(["source", "--data", str(own_table)]) == 0
    assert main(["fetch"]) == 0
    assert main(["prepare"]) == 0
    assert main(["poison"]) == 0
    assert "labels changed" in capsys.readouterr().out


def test_interruption_is_said_and_gives_130(project, monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("fraud_core.pipeline.commands.cli._params", interrupted)
    assert main(["prepare"]) == 130
    assert "run the same command to continue" in capsys.readouterr().err
