import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline.paths import checkout, project_root, results_folder, within_project


def test_results_of_the_full_profile_stand_in_git_and_those_of_quick_do_not():
    assert str(results_folder("full", "drift")) == "results/drift"
    assert str(results_folder("quick", "drift")) == "results/quick/drift"
    with pytest.raises(ParameterError, match="slow"):
        results_folder("slow", "drift")


def test_project_is_found_from_a_folder_inside_it(project, monkeypatch):
    monkeypatch.chdir(project / "data" / "cards")
    assert project_root() == project


def test_no_project_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match="no project here"):
        project_root()


def test_relative_paths_are_those_of_the_project_and_absolute_ones_stay(project, monkeypatch):
    monkeypatch.chdir(project / "data")
    assert within_project("results/drift") == project / "results" / "drift"
    assert within_project(project / "elsewhere") == project / "elsewhere"


def test_copy_that_runs_in_a_queue_of_experiments_knows_its_checkout(project, monkeypatch):
    assert checkout() == project
    copy = project / ".dvc" / "tmp" / "exps" / "run"
    copy.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (copy / name).touch()
    monkeypatch.chdir(copy)
    assert project_root() == copy
    assert checkout() == project
