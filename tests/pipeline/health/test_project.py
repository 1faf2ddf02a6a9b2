import fcntl
import json
import os
import sqlite3
import subprocess
import sys

import pytest

from fraud_core.pipeline.commands.cli import main
from fraud_core.pipeline.health import project as health
from fraud_core.pipeline.stages.candidate import TOY_CANDIDATE, open_candidate
from fraud_core.pipeline.stages.promote import seal


def test_a_fresh_project_has_notices_and_nothing_wrong(project):
    checks = (health.check_raw(), health.check_versions(), health.check_champion())
    assert [check.state for check in checks] == ["notice"] * 3
    assert {check.fix for check in checks} == {"make run"}


def test_own_table_then_altered_data_and_a_lost_file(project, own_table, capsys):
    main(["source", "--data", str(own_table)])
    assert "(own), sha256 checked" in health.check_raw().found
    main(["fetch"])
    main(["prepare"])
    assert health.check_versions().state == "ok"
    v0 = project / "data/v0/transactions_2022.parquet"
    v0.rename(project / "data/v1/transactions_2023.parquet")
    assert "the sealed holdout was altered" in health.check_versions().found
    for path in (project / "data/own").rglob("*.csv"):
        path.unlink()
    lost = health.check_raw()
    assert (lost.state, lost.fix) == ("wrong", "make run, with DATA=path for a table of yours")


def test_altered_champion_is_wrong(project):
    open_candidate("toy")
    seal(project / TOY_CANDIDATE)
    (project / "models").mkdir(exist_ok=True)
    (project / TOY_CANDIDATE).rename(project / "models/champion")
    assert health.check_champion().state == "ok"
    (project / "models/champion/policy.json").write_text("{}")
    assert "was altered" in health.check_champion().found


def ended_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_run_that_holds_the_project_is_noticed(project):
    path = project / ".dvc/tmp/lock"
    path.parent.mkdir(parents=True)
    path.touch()
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert health.check_lock().found == "a run of DVC holds .dvc/tmp/lock"
    for pid, held in ((os.getpid(), True), (ended_process(), False)):
        text = json.dumps({"write": {"dvc.lock": {"pid": pid, "cmd": "dvc repro"}}})
        (project / ".dvc/tmp/rwlock").write_text(text)
        assert ("rwlock" in health.check_lock().found) == held


def test_mlflow_runs_are_counted_and_waiting_ones_noticed(project, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert health.check_mlflow().found == "no run yet"
    with sqlite3.connect(project / "mlflow.db") as store:
        store.execute("create table runs (id text)")
        store.execute("insert into runs values ('a')")
    assert health.check_mlflow() == health.Check("MLflow", "ok", "1 runs in mlflow.db")
    waiting = project / health.PENDING / "run.json"
    waiting.parent.mkdir(parents=True)
    waiting.write_text("{}")
    assert health.check_mlflow().state == "notice"
    (project / "mlflow.db").write_bytes(b"no database, but long enough to be looked at" * 99)
    assert health.check_mlflow().state == "wrong"


def test_a_server_that_does_not_answer_is_wrong(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    check = health.check_mlflow()
    assert (check.state, check.fix) == ("wrong", "check MLFLOW_TRACKING_URI")


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_doctor_prints_every_check_and_its_exit_code_says_whether_any_is_wrong(
    project, capsys, flag, monkeypatch
):
    assert main(["doctor", *flag]) == 1  # this project has no lock
    said = capsys.readouterr().out
    for name in ("python", "packages", "disk", "port", "raw data", "champion", "MLflow"):
        assert name in said
    assert "git checkout requirements.lock" in said
