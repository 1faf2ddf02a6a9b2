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


def test_a_long_step_shows_the_time_it_took_and_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 100.0, 400.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    show = progress_bar()
    for done in (0, 1, 4):
        show("step", done, 4)
    assert capsys.readouterr().err.splitlines() == [
        "  step: 0 of 4",
        "  step: 1 of 4, 1 min 40 s, 5 min left",
        "  step: 4 of 4, 6 min 40 s",
    ]


def test_resumed_work_is_timed_by_what_this_run_did(capsys, monkeypatch):
    clock = iter([0.0, 30.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    show = progress_bar()
    show("cells (60 kept)", 60, 80)
    show("cells (60 kept)", 70, 80)
    assert capsys.readouterr().err.splitlines()[1] == "  cells (60 kept): 70 of 80, 30 s, 30 s left"
