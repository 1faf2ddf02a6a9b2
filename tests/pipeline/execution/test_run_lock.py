import os
import subprocess
import sys

import pytest

from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.execution.run_lock import run_lock
from tests.conftest import ROOT

HOLDER = (
    "from fraud_core.pipeline.execution.run_lock import run_lock\n"
    "with run_lock('study drift'):\n"
    "    print('held', flush=True)\n"
    "    input()\n"
)


def test_second_run_is_told_in_one_line_who_holds_it_and_a_killed_one_holds_nothing(project):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FraudCoreError) as refused, run_lock("study drift"):
            pass
        assert f"study drift: process {holder.pid} (since " in str(refused.value)
        with run_lock("study fairness"):
            pass
        holder.kill()
    with run_lock("study drift"):
        pass


def test_lock_is_free_after_an_error(project):
    with pytest.raises(ValueError, match="mine"), run_lock("study drift"):
        raise ValueError("mine")
    with run_lock("study drift"):
        pass
