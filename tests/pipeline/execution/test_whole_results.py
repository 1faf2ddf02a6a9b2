import pytest

from fraud_core.pipeline.execution.whole_results import replacing


@pytest.fixture
def folder(tmp_path):
    results = tmp_path / "results" / "drift"
    (results / "figures").mkdir(parents=True)
    (results / "metrics.json").write_text("old")
    (results / "figures" / "gone.svg").write_text("old")
    (results / "note.txt").write_text("mine")
    return results


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run(folder, error):
    with replacing(folder) as unfinished:
        (unfinished / "metrics.json").write_text("new")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_old_results_stay_when_the_run_fails_or_is_interrupted(folder, error):
    before = content(folder)
    with pytest.raises(error):
        run(folder, error)
    assert content(folder) == before
    assert (folder.parent / ".unfinished-drift" / "metrics.json").read_text() == "new"


def test_new_results_replace_the_old_whole_and_leave_other_files(folder):
    with replacing(folder) as unfinished:
        (unfinished / "figures").mkdir()
        (unfinished / "figures" / "new.svg").write_text("new")
        (unfinished / "metrics.json").write_text("new")
        assert (folder / "metrics.json").read_text() == "old"
    assert content(folder) == {
        "metrics.json": "new",
        "figures/new.svg": "new",
        "note.txt": "mine",
    }
    assert not unfinished.exists()


def test_first_run_and_one_after_an_interruption(tmp_path):
    folder = tmp_path / "results" / "new"
    for text in ("first", "second"):
        with replacing(folder) as unfinished:
            assert list(unfinished.iterdir()) == []
            (unfinished / "metrics.json").write_text(text)
    assert content(folder) == {"metrics.json": "second"}
