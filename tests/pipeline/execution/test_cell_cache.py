from dataclasses import dataclass

import numpy as np
import pytest

from fraud_core.pipeline.execution.cell_cache import run_cells, what_runs


@dataclass(frozen=True)
class Job:
    number: int

    @property
    def name(self):
        return f"job{self.number}"


def square(job, factor, log):
    with open(log, "a") as out:
        out.write(f"{job.number}\n")
    if job.number == 13:
        raise RuntimeError("unlucky")
    return {"value": np.array(job.number**2 * factor)}


def run(log, *numbers, factor=1, n_processes=1, steps=None):
    show = (lambda *step: steps.append(step)) if steps is not None else (lambda *step: None)
    jobs = [Job(n) for n in numbers]
    return [
        int(result["value"])
        for result in run_cells(
            square, jobs, factor, str(log), what="jobs", n_processes=n_processes, progress=show
        )
    ]


@pytest.fixture
def log(project):
    return project / "log"


@pytest.mark.parametrize("n_processes", [1, 2])
def test_results_come_in_the_order_of_the_cells(log, n_processes):
    assert run(log, 3, 1, 2, n_processes=n_processes) == [9, 1, 4]


def test_finished_cells_are_not_run_again(log):
    run(log, 1, 2)
    steps = []
    assert run(log, 1, 2, 3, steps=steps) == [1, 4, 9]
    assert log.read_text().split() == ["1", "2", "3"]
    assert steps[0][1:] == (2, 3)


def test_study_goes_on_after_a_failure(log):
    with pytest.raises(RuntimeError, match="unlucky"):
        run(log, 1, 13)
    run(log, 1, 2)
    assert log.read_text().split() == ["1", "13", "2"]


def test_other_settings_are_never_answered_from_the_store(log):
    assert run(log, 2) == [4]
    assert run(log, 2, factor=10) == [40]


def test_cells_of_equal_names_are_refused(log):
    with pytest.raises(ValueError, match="different names"):
        run(log, 1, 1)


@pytest.mark.parametrize(
    "other",
    [
        b'"""Another sentence."""\n\n\ndef f(x):\n    """Says more."""\n    return x + 1  # why\n',
        b"def f(x):\n    return (x\n            + 1)\n",
    ],
)
def test_docstrings_comments_and_layout_do_not_run(other):
    source = b'"""A module."""\n\n\ndef f(x):\n    """Says."""\n    return x + 1\n'
    assert what_runs(other) == what_runs(source)


@pytest.mark.parametrize(
    "other",
    [
        b"def f(x):\n    return x + 2\n",
        b"def f(y):\n    return y + 1\n",
        b"def f(x, k=1):\n    return x + 1\n",
        b"import os\n\n\ndef f(x):\n    return x + 1\n",
        b'NAME = "Says."\n\n\ndef f(x):\n    return x + 1\n',
    ],
)
def test_what_runs_differs_when_the_code_does(other):
    assert what_runs(other) != what_runs(b"def f(x):\n    return x + 1\n")
