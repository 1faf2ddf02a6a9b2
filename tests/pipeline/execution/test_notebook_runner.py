import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from fraud_core.errors import NotebookError, ParameterError
from fraud_core.pipeline.execution.notebook_runner import (
    _local_kernel,
    check_parameters,
    clean,
    declared_parameters,
    run_notebook,
)
from tests.conftest import ROOT


def write(path, *cells, parameters="rate: float = 0.5  # share\nnames: list = []  # of things"):
    notebook = nbformat.v4.new_notebook()
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook.cells = [first, *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, path)
    return path


def run(folder, source, **parameters):
    executed = folder / "out" / "executed.ipynb"
    run_notebook(source, executed, {"rate": 0.1, "names": ["a"]} | parameters, root=folder)
    return nbformat.read(executed, as_version=4)


def test_parameters_reach_the_notebook(tmp_path):
    found = run(tmp_path, write(tmp_path / "n.ipynb", "print(rate, names)"))
    assert found.cells[-1].outputs[0]["text"] == "0.1 ['a']\n"


def test_declared_parameters_are_read_with_their_types(tmp_path):
    notebook = nbformat.read(write(tmp_path / "n.ipynb"), as_version=4)
    assert declared_parameters(notebook) == {"rate": float, "names": list}


def test_misspelt_parameter_is_refused_before_anything_runs(tmp_path):
    source = write(tmp_path / "n.ipynb", "open('ran', 'w').close()")
    with pytest.raises(ParameterError, match="n: parameter rtae is not declared"):
        run_notebook(source, tmp_path / "e.ipynb", {"rtae": 0.1, "names": []}, root=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_parameter_that_is_not_given_is_refused():
    with pytest.raises(ParameterError, match="names is declared but not given"):
        check_parameters({"rate": 0.1}, {"rate": float, "names": list}, notebook="n")


@pytest.mark.parametrize("value", ["1e-3", None, [0.1]])
def test_parameter_of_another_type_is_refused(value):
    with pytest.raises(ParameterError, match="parameter rate"):
        check_parameters({"rate": value}, {"rate": float}, notebook="n")


def test_parameter_without_annotation_is_refused(tmp_path):
    notebook = nbformat.read(write(tmp_path / "n.ipynb", parameters="rate = 0.5"), as_version=4)
    with pytest.raises(NotebookError, match="line 1: expected `name: type = value`"):
        declared_parameters(notebook)


def test_failing_cell_fails_the_run_and_keeps_the_executed_copy(tmp_path):
    source = write(tmp_path / "n.ipynb", "print('before')", "1 / 0", "print('after')")
    with pytest.raises(NotebookError, match=r"n\.ipynb: cell \d failed with ZeroDivisionError"):
        run(tmp_path, source)
    kept = (tmp_path / "out" / "executed.ipynb").read_text()
    assert "before" in kept
    assert "ZeroDivisionError" in kept


def test_source_is_not_changed(tmp_path):
    source = write(tmp_path / "n.ipynb", "rate")
    before = source.read_bytes()
    run(tmp_path, source)
    assert source.read_bytes() == before


def test_paths_and_secrets_never_enter_the_executed_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "hunter2-hunter2")
    source = write(tmp_path / "n.ipynb", "import os\nprint(os.getcwd(), os.environ['SOME_TOKEN'])")
    run(tmp_path, source)
    text = (tmp_path / "out" / "executed.ipynb").read_text()
    assert str(tmp_path) not in text
    assert "hunter2" not in text


def test_two_runs_give_the_same_bytes(tmp_path):
    source = write(tmp_path / "n.ipynb", "rate * 2")
    texts = []
    for _ in range(2):
        run(tmp_path, source)
        texts.append((tmp_path / "out" / "executed.ipynb").read_bytes())
    assert texts[0] == texts[1]


def test_progress_of_a_cell_is_shown_and_does_not_enter_the_notebook(tmp_path, capfd):
    source = write(
        tmp_path / "n.ipynb",
        "from fraud_core.pipeline.execution import progress\nprogress.progress_bar()('counting', "
        "3, 3)",
    )
    found = run(tmp_path, source)
    assert "counting: 3 of 3" in capfd.readouterr().err
    assert found.cells[-1].outputs == []


def test_cleaning_keeps_cells_and_drops_what_changes():
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("1", metadata={"papermill": {"duration": 1}, "tags": ["x"]})
    ]
    notebook.metadata["papermill"] = {"start_time": "now"}
    from pathlib import Path

    found = clean(notebook, root=Path("/nowhere-at-all"))
    assert found.cells[0].metadata == {"tags": ["x"]}
    assert "papermill" not in found.metadata


def test_two_runs_at_once_in_one_folder_do_not_meet(tmp_path):
    source = write(tmp_path / "n.ipynb", "import time; time.sleep(1); print(rate)")
    code = (
        "import sys; from pathlib import Path\n"
        "from fraud_core.pipeline.execution.notebook_runner import run_notebook\n"
        "run_notebook(Path(sys.argv[1]), Path(sys.argv[2]), {'rate': 0.1, 'names': []},"
        " root=Path.cwd())"
    )
    outs = [tmp_path / f"out-{number}" / "e.ipynb" for number in range(2)]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(source), str(out)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for out in outs
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    for out in outs:
        assert nbformat.read(out, as_version=4).cells[-1].outputs[0]["text"] == "0.1\n"
    assert list(tmp_path.glob("kernel-ipc*")) == []


def test_a_long_temporary_folder_falls_back_to_a_port():
    assert _local_kernel(Path("/tmp/a"))["KernelManager"]["transport"] == "ipc"
    assert _local_kernel(Path("/" + "a" * 120))["KernelManager"]["transport"] == "tcp"
