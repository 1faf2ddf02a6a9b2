"""Runs in the cluster: broken copies are refused, and what a run made reaches a bucket."""

import copy
import hashlib
import json
import os
import subprocess
import sys

import fsspec
import pytest

from k8s.jobs.__main__ import DIGESTS, main, send
from tests.conftest import ROOT
from tests.delivery import semantics, semantics_jobs
from tests.delivery.tools import rendered


@pytest.fixture(scope="module")
def runs():
    return rendered("k8s/overlays/gke-jobs")


def studies(objects):
    return semantics.named(objects, "Job", "fraud-studies")["spec"]


def nightly(objects):
    return semantics.named(objects, "CronJob", "fraud-nightly")["spec"]


BROKEN = {
    "expected an end": lambda o: studies(o).pop("activeDeadlineSeconds"),
    "tried too often": lambda o: studies(o).pop("backoffLimit"),
    "it would stay for ever": lambda o: nightly(o)["jobTemplate"]["spec"].pop(
        "ttlSecondsAfterFinished"
    ),
    "a new pod for a new try": lambda o: studies(o)["template"]["spec"].update(
        restartPolicy="OnFailure"
    ),
    "would be tried again": lambda o: studies(o)["podFailurePolicy"]["rules"].pop(0),
    "would be tried again ": lambda o: studies(o)["podFailurePolicy"]["rules"][0][
        "onExitCodes"
    ].update(containerName="other"),
    "hold more than the pod": lambda o: studies(o)["template"]["spec"]["volumes"][0].update(
        emptyDir={}
    ),
    "would send it payments": lambda o: studies(o)["template"]["metadata"]["labels"].update(
        {"app.kubernetes.io/name": "fraud-serve"}
    ),
    "one time a day": lambda o: nightly(o).update(schedule="* * * * *"),
    "in a zone that is named": lambda o: nightly(o).pop("timeZone"),
    "two runs at once": lambda o: nightly(o).update(concurrencyPolicy="Allow"),
    "somebody must start it": lambda o: nightly(o).update(suspend=False),
    "write its root": lambda o: studies(o)["template"]["spec"]["containers"][0][
        "securityContext"
    ].update(readOnlyRootFilesystem=False),
    "needs a request and a limit": lambda o: nightly(o)["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ][0].pop("resources"),
    "service account other does not exist": lambda o: studies(o)["template"]["spec"].update(
        serviceAccountName="other"
    ),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_copy_is_refused(runs, sentence):
    broken = copy.deepcopy(runs)
    BROKEN[sentence](broken)
    assert any(
        sentence.strip() in mistake for mistake in semantics.mistakes(broken, semantics_jobs.RULES)
    )


def test_night_has_the_pod_of_the_day_and_other_studies(runs):
    day, night = studies(runs)["template"], nightly(runs)["jobTemplate"]["spec"]["template"]
    assert [each["spec"]["containers"][0].pop("args") for each in copy.deepcopy([day, night])] == [
        ["run"],
        ["studies"],
    ]
    day, night = copy.deepcopy([day, night])
    for each in (day, night):
        each["spec"]["containers"][0].pop("args")
    assert day == night


@pytest.mark.parametrize("overlay", ["gke-jobs", "gke-entities-fill"])
def test_every_run_is_a_target_of_the_makefile(overlay):
    targets = (ROOT / "Makefile").read_text()
    for template in semantics.pods(rendered(f"k8s/overlays/{overlay}")).values():
        assert f"\n{template['spec']['containers'][0]['args'][0]}: " in targets


@pytest.fixture
def made(tmp_path):
    """What a run leaves behind, and some of what it does not send."""
    for name in (
        "models/champion/model.npz",
        "results/quick/select/metrics.json",
        "data/v0/rows.csv",
        "mlflow.db",
    ):
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "made"


@pytest.fixture
def bucket():
    """The files of an emptied bucket in memory by their names."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    return files


def test_what_a_run_made_is_sent_with_its_digests(made, bucket, monkeypatch, capsys):
    monkeypatch.chdir(made)
    assert main(["memory://bucket/first"]) == 0
    digests = json.loads(bucket.cat_file(f"/bucket/first/{DIGESTS}"))
    assert set(digests) == {"models/champion/model.npz", "results/quick/select/metrics.json"}
    for name, digest in digests.items():
        assert hashlib.sha256(bucket.cat_file(f"/bucket/first/{name}")).hexdigest() == digest
    assert capsys.readouterr().out.startswith("sent: 2 files")


def test_run_is_never_written_over_and_an_address_is_asked_for(made, bucket, monkeypatch, capsys):
    monkeypatch.chdir(made)
    send(made, "memory://bucket/first")
    assert main(["memory://bucket/first"]) == 1
    assert main([]) == 2
    assert "not written over" in capsys.readouterr().err


@pytest.fixture
def tools(tmp_path):
    """DVC and make that write down what they were asked, and the project's Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, more in (("dvc", ""), ("make", 'eval "$MAKE_DOES"')):
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/asked\n{more}\n')
    (folder / "python").write_text(f'#!/bin/sh\necho "python $*" >> {tmp_path}/asked\n')
    for each in folder.iterdir():
        each.chmod(0o755)
    return folder


GATE = "mkdir -p results/quick/select; touch results/quick/select/metrics.json"


@pytest.mark.parametrize(
    ("does", "code", "sent"),
    [(GATE, 0, True), (f"{GATE}; exit 2", 3, True), ("exit 2", 1, False)],
    ids=["passed", "refused by the gate", "broke off"],
)
def test_run_copies_the_project_and_sends_what_it_made(tools, tmp_path, does, code, sent):
    project, work = tmp_path / "project", tmp_path / "work"
    work.mkdir()
    (project / "results" / "quick" / "select").mkdir(parents=True)
    (project / "results" / "quick" / "select" / "metrics.json").write_text("of an earlier run")
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "FRAUD_PROJECT": str(project),
        "FRAUD_BUCKET": "gs://some-bucket",
        "FRAUD_RUN": "r1",
        "MAKE_DOES": does,
    }
    done = subprocess.run(
        [ROOT / "k8s/jobs/run.sh", "run"], cwd=work, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[:3] == [
        "dvc config --local core.no_scm true",
        "dvc remote add --local --quiet --force --default bucket gs://some-bucket/dvc",
        "make run",
    ]
    assert asked[3:] == (
        ["dvc push", "python -m k8s.jobs gs://some-bucket/runs/r1"] if sent else []
    )


@pytest.mark.parametrize("bucket", ["", "some-bucket", "gs://x/../y"])
def test_run_without_a_bucket_does_nothing(bucket, tmp_path):
    environment = os.environ | {"FRAUD_BUCKET": bucket}
    done = subprocess.run(
        [ROOT / "k8s/jobs/run.sh", "run"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


def test_sending_needs_nothing_but_what_the_research_image_has():
    assert "fsspec==" in (ROOT / "requirements-research.lock").read_text()
    assert "gcsfs==" in (ROOT / "requirements-research.lock").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "k8s.jobs"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
