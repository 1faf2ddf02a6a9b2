"""The whole pipeline under DVC on a small table of the
user's own: no network, from files to a served model.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fraud_core.bundle.load import load_bundle
from fraud_core.data.toy import toy_transactions
from tests.conftest import ROOT

ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}
QUICK = re.search(r"^QUICK := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def call(folder, *command, expect=0):
    run = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert run.returncode == expect, (
        f"{' '.join(command)}\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}"
    )
    return run.stdout + run.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A checkout of what git tracks here, as it is in
    the working tree, with a repository of its own.
    """
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("clone")
    for name in listed.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    text = (folder / "params.yaml").read_text()
    small = text.replace("    iterations: 150\n", "    iterations: 40\n")
    small = small.replace("alert_budget: 0.002 ", "alert_budget: 0.1 ").replace(
        "n_seeds: 2", "n_seeds: 1"
    )
    (folder / "params.yaml").write_text(small)
    call(folder, "git", "init", "-q")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "start")
    return folder


@pytest.fixture(scope="module")
def ran(clone, tmp_path_factory):
    """The clone after a run on a table of the user's own."""
    own_table = tmp_path_factory.mktemp("own") / "payments.csv"
    toy_transactions(3000, seed=3).write_csv(own_table)
    call(clone, "python", "-m", "fraud_core", "source", "--data", str(own_table))
    call(clone, "dvc", "repro", *QUICK)
    return clone


@pytest.mark.slow
@pytest.mark.xdist_group("pipeline")
class TestPipeline:
    def test_own_table_becomes_a_champion_and_a_report(self, ran):
        call(ran, "python", "-m", "fraud_core", "promote")
        summary = call(ran, "python", "-m", "fraud_core", "summary")
        assert "candidate, average precision on day 2" in summary
        assert load_bundle(ran / "models/champion").bundle.contract.card == "ulb"
        assert (ran / "reports/_site/quick/studies/20_poisoning.html").is_file()
        fairness = json.loads((ran / "results/quick/fairness/metrics.json").read_text())
        assert fairness["uci_default.verdict"].startswith("not run")

    def test_nothing_but_the_lock_differs_in_git(self, ran):
        assert set(call(ran, "git", "status", "--porcelain").split()) <= {"M", "dvc.lock"}

    def test_second_run_runs_nothing(self, ran):
        assert "Running stage" not in call(ran, "dvc", "repro", *QUICK)

    def test_changed_parameter_reruns_what_depends_on_it_alone(self, ran):
        path = ran / "params.yaml"
        before = path.read_text()
        path.write_text(before.replace("power_windows: 5\n", "power_windows: 6\n", 1))
        plan = call(ran, "dvc", "repro", "--dry", *QUICK)
        path.write_text(before)
        assert set(re.findall(r"Running stage '(.+)'", plan)) == {"drift@quick"}

    def test_sweep_compares_with_the_last_commit(self, ran):
        call(ran, "git", "commit", "-q", "--allow-empty", "-am", "own data")
        call(
            ran,
            "dvc",
            "exp",
            "run",
            "-S",
            "poisoning.rate=0.4",
            "-S",
            "poisoning.attack=fraud_to_legit",
            "sweep",
        )
        changed = call(ran, "git", "diff", "--numstat", "HEAD", "--", "params.yaml").split()
        assert changed[:2] == ["2", "2"]
        assert "poisoning.rate" in call(ran, "dvc", "exp", "show", "--only-changed", "--csv")
        difference = json.loads(call(ran, "dvc", "metrics", "diff", "--json").splitlines()[0])
        assert difference["results/sweep/metrics.json"]["poison_rate"]["new"] == 0.4
        assert "file://" in call(ran, "dvc", "plots", "diff")
        call(ran, "git", "checkout", "-q", ".")

    def test_queued_sweeps_download_nothing_and_are_in_the_mlflow_of_the_checkout(self, ran):
        call(ran, "git", "commit", "-q", "--allow-empty", "-am", "own data")
        call(ran, "dvc", "exp", "run", "--queue", "-S", "poisoning.rate=0.3,0.5", "sweep")
        said = call(ran, "dvc", "exp", "run", "--run-all")
        assert set(re.findall(r"Running stage '(.+)'", said)) == {"sweep"}
        status = call(ran, "dvc", "queue", "status")
        assert (status.count("Success"), status.count("Failed")) == (2, 0)
        table = call(ran, "dvc", "exp", "show", "--only-changed", "--csv").splitlines()
        assert len(table[0].split(",")) < 40
        assert {line.split(",")[-1] for line in table[1:]} >= {"0.3", "0.5"}
        with sqlite3.connect(ran / "mlflow.db") as runs:
            named = {
                row[0]
                for row in runs.execute("SELECT value FROM tags WHERE key = 'dvc_experiment'")
            }
            revisions = {
                row[0] for row in runs.execute("SELECT value FROM tags WHERE key = 'git_revision'")
            }
        assert {line.split(",")[0] for line in table[1:]} - {""} <= named
        assert any(not revision.endswith("-dirty") for revision in revisions)

    def test_misspelt_parameter_fails_with_its_name(self, ran):
        path = ran / "params.yaml"
        before = path.read_text()
        path.write_text(before.replace("n_shown", "n_shwon", 1))
        output = call(ran, "python", "-m", "fraud_core", "study", "explain", expect=1)
        path.write_text(before)
        assert "unknown field `n_shwon`" in output
