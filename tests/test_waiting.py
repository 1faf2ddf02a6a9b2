"""Waiting by progress: what works is waited for, what hangs is not."""

import subprocess
import sys

import pytest

from tests import waiting


def run(code):
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(waiting, "STILL_SECONDS", 1.0)


def test_process_that_works_is_waited_for(impatient):
    work = (
        "import time\nend = time.monotonic() + 2.5\nwhile time.monotonic() < end: "
        "pass\nprint('done')"
    )
    assert waiting.wait_until_ended(run(work)) == ("done\n", "")


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the system does not tell CPU time in /proc"
)
def test_process_that_hangs_is_killed(impatient):
    process = run("import time\ntime.sleep(600)")
    with pytest.raises(AssertionError, match=r"waiting for nothing: no CPU time in 1 seconds"):
        waiting.wait_until(lambda: False, "nothing", process)
    assert process.wait() != 0
    process.communicate()


def test_process_that_has_ended_is_not_waited_for():
    process = run("")
    with pytest.raises(AssertionError, match="the process has ended"):
        waiting.wait_until(lambda: False, "nothing", process)
    process.communicate()


def test_waiting_has_an_end(monkeypatch):
    monkeypatch.setattr(waiting, "END_SECONDS", 0.2)
    with pytest.raises(AssertionError, match="seconds are over"):
        waiting.wait_until(lambda: False, "nothing")


def test_what_a_condition_returns_is_returned():
    assert waiting.wait_until(lambda: [1], "a list") == [1]
