"""Independent stages side by side: one `dvc repro` for each lane, all in one checkout.

DVC gives up the lock of the project while a stage runs and locks what the stage reads and writes,
so that stages which do not depend on each other can run at once. The lanes are given by whoever
knows the machine. A lane makes its own stages and nothing before them: looking at a stage takes its
outputs as if to write them, and two lanes that look at one are in each other's way.
"""

import subprocess
import sys
import time
from collections.abc import Sequence

from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.paths import project_root

POLL_SECONDS = 0.2


def run_lanes(lanes: Sequence[Sequence[str]]) -> None:
    """Reproduce the stages of each lane in order, the lanes at once; what they need is there.

    Parameters
    ----------
    lanes
        Names of stages. An interruption reaches all lanes; each keeps its finished stages.

    Raises
    ------
    FraudCoreError
        When a lane fails; the others are ended then.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", *stages],
            cwd=project_root(),
        )
        for stages in lanes
    ]
    try:
        while any(lane.poll() is None for lane in running):
            failed = [
                stages
                for lane, stages in zip(running, lanes, strict=True)
                if lane.poll() not in (None, 0)
            ]
            if failed:
                raise _failure(failed[0])
            time.sleep(POLL_SECONDS)
    finally:
        for lane in running:
            if lane.poll() is None:
                lane.terminate()
            lane.wait()
    for lane, stages in zip(running, lanes, strict=True):
        if lane.returncode:
            raise _failure(stages)


def _failure(stages: Sequence[str]) -> FraudCoreError:
    return FraudCoreError(
        f"a stage among {', '.join(stages)} failed, its error is above; `make run` goes on there"
    )
