"""Every notebook runs at its toy defaults, as a reader who opens it would run it."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from fraud_core.pipeline.execution.notebook_runner import declared_parameters, run_notebook
from fraud_core.pipeline.reporting.pandoc_renderer import page_from_notebook
from fraud_core.pipeline.storage.tuned_settings import FILE
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def defaults(notebook):
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    values: dict = {}
    exec(cell.source, values)
    return {name: values[name] for name in declared_parameters(notebook)}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs_at_its_toy_defaults_and_becomes_a_page(path, project):
    executed = project / "executed.ipynb"
    (project / FILE).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / FILE, project / FILE)
    run_notebook(path, executed, defaults(nbformat.read(path, as_version=4)), root=project)
    notebook = json.loads(executed.read_bytes())
    found = page_from_notebook(notebook, name=path.stem)
    assert found.title != path.stem
    assert found.pictures
    streams = [
        o for c in notebook["cells"] for o in c.get("outputs", []) if o["output_type"] == "stream"
    ]
    assert streams == []
    metrics = list((project / "scratch").glob("*/metrics.json"))
    assert len(metrics) == 1
    assert json.loads(metrics[0].read_bytes())


@pytest.mark.slow
def test_data_notebook_passes_nbval_in_its_own_folder(tmp_path):
    """As JupyterLab runs it: from notebooks/, with the defaults, without papermill."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        "-q",
    ]
    command += ["-o", "addopts=", "-n0", str(ROOT / "notebooks" / "00_data.ipynb")]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONUTF8": "1"}
    )
    assert run.returncode == 0, run.stdout[-3000:]
    assert "passed" in run.stdout
