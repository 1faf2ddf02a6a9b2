"""MLflow against its real SQLite store, and against a server that is not there."""

import json
import shutil

import pytest

from fraud_core.bundle import load as bundle
from fraud_core.pipeline.reporting.results import write_metrics
from fraud_core.pipeline.tracking import mlflow_runs as tracking
from tests.bundle.test_load import write as write_bundle

pytestmark = pytest.mark.xdist_group("mlflow")


@pytest.fixture
def study(project, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_metrics("results/quick/x", {"ap": 0.5, "verdict": "none"})
    return project


def log_study(project):
    tracking.track(
        "x",
        parameters={"rate": 0.08, "model": {"seed": 1}},
        results_dir="results/quick/x",
        profile="quick",
    )


def waiting(project):
    return list((project / tracking.PENDING).glob("*.json"))


def test_run_holds_parameters_metrics_tags_and_artifacts(study):
    import mlflow

    log_study(study)
    (run,) = mlflow.search_runs(experiment_names=[tracking.EXPERIMENT], output_format="list")
    assert run.data.params == {"rate": "0.08", "model.seed": "1"}
    assert run.data.metrics == {"ap": 0.5}
    assert {"study", "profile", "git_revision"} <= set(run.data.tags)
    names = [entry.path for entry in mlflow.MlflowClient().list_artifacts(run.info.run_id)]
    assert names == ["metrics.json"]
    assert waiting(study) == []


def test_runs_that_are_uploaded_later_wait_on_disk(study, monkeypatch):
    monkeypatch.setenv(tracking.UPLOAD, "later")
    log_study(study)
    assert len(waiting(study)) == 1
    assert not (study / "mlflow.db").exists()
    assert tracking.upload_pending() == 0
    assert waiting(study) == []
    assert (study / "mlflow.db").is_file()


def test_server_that_is_down_loses_nothing(study, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    log_study(study)
    warning = capsys.readouterr().err
    assert "nothing is lost" in warning
    assert "secret" not in warning
    assert len(waiting(study)) == 1

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.upload_pending() == 0
    assert waiting(study) == []


def test_champion_is_registered_once_under_its_alias_and_loads(study, versions):
    import mlflow

    folder = study / "models/champion"
    write_bundle(folder)
    bundle.write_manifest(folder, git_revision="r", library_versions={})
    assert tracking.register_champion().endswith("version 1, alias champion")
    assert tracking.register_champion().endswith("version 1, alias champion")
    import pandas

    model = mlflow.pyfunc.load_model(f"models:/{tracking.MODEL}@champion")
    frame = pandas.DataFrame({"b": [1.0], "a": [0.0]})
    assert (
        model.predict(frame)[0]
        == bundle.load_bundle(folder).bundle.probability(frame[["a", "b"]].to_numpy())[0]
    )


def test_interrupted_upload_is_repeated_from_disk(study, monkeypatch):
    monkeypatch.setattr(tracking, "_upload", lambda record: (_ for _ in ()).throw(OSError("gone")))
    log_study(study)
    (path,) = waiting(study)
    assert json.loads(path.read_text())["metrics"] == {"ap": 0.5}
    shutil.rmtree(study / tracking.PENDING)
