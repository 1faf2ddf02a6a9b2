from fraud_core.pipeline.execution.progress import PROGRESS_FILE, progress_bar


def test_log_gets_the_first_and_the_last_line_of_a_step(capsys):
    show = progress_bar()
    for done in range(1, 6):
        show("step", done, 5)
    assert capsys.readouterr().err.splitlines() == ["  step: 1 of 5", "  step: 5 of 5"]


def test_terminal_gets_one_line_that_is_redrawn(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    show = progress_bar()
    show("step", 1, 2)
    show("step", 2, 2)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.endswith("[############################] 2 of 2 \n")


def test_bytes_are_shown_in_megabytes(capsys):
    progress_bar()("downloading", 3_000_000, 3_000_000)
    assert "3.0 of 3.0 MB" in capsys.readouterr().err


def test_redirected_progress_goes_to_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "progress"))
    progress_bar()("step", 1, 1)
    assert (tmp_path / "progress").read_text() == "  step: 1 of 1\n"
    assert capsys.readouterr().err == ""
