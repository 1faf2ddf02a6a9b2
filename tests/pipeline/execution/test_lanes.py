import os
import signal
import subprocess
import sys
import time

import pytest

from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.execution.lanes import run_lanes
from tests.conftest import ROOT

STAGE = "  {name}: {{cmd: '{cmd}', deps: [first.txt], outs: [{name}.txt]}}\n"


@pytest.fixture
def stages(tmp_path, monkeypatch):
    """A DVC project of its own, with stages that wait for each other or fail."""
    (tmp_path / "params.yaml").write_text("{}")
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    meet = "until test -f {other}; do sleep 0.1; done; sleep 0.5; echo done > {name}.txt"
    text = "stages:\n  first: {cmd: echo > first.txt, outs: [first.txt]}\n"
    for name, other in (("left", "right"), ("right", "left")):
        waits = meet.format(other=f"{other}.begun", name=name)
        text += STAGE.format(name=name, cmd=f"touch {name}.begun; {waits}")
    text += STAGE.format(name="broken", cmd="exit 3")
    text += STAGE.format(name="long", cmd="touch long.begun; sleep 60; echo > long.txt")
    (tmp_path / "dvc.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "repro", "first"], check=True)
    return tmp_path


def test_lanes_run_at_once_and_both_are_in_the_lock(stages):
    run_lanes([["left"], ["right"]])  # each waits until the other has begun
    lock = (stages / "dvc.lock").read_text()
    assert "left:" in lock
    assert "right:" in lock


def test_a_failing_lane_ends_the_others_and_names_its_stages(stages):
    begun = time.monotonic()
    with pytest.raises(FraudCoreError, match="a stage among broken failed"):
        run_lanes([["long"], ["broken"]])
    assert time.monotonic() - begun < 50
    assert not (stages / "long.txt").exists()


def test_an_interruption_reaches_every_lane(stages):
    code = (
        "from fraud_core.pipeline.execution.lanes import run_lanes; run_lanes([['long'], ['left']])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    ) as run:
        while not ((stages / "long.begun").exists() and (stages / "left.begun").exists()):
            assert run.poll() is None
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(timeout=30) != 0
    assert not (stages / "long.txt").exists()
