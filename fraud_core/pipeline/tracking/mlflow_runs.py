"""MLflow: every run is written to disk first and uploaded
second, so that a server that is down loses nothing.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fraud_core.pipeline.paths import CHAMPION, checkout, project_root, within_project
from fraud_core.pipeline.reporting.results import read_metrics
from fraud_core.pipeline.tracking.revision import git_revision

PENDING = Path("scratch/mlflow-pending")
EXPERIMENT = "fraud"
MODEL = "fraud-champion"
MAX_PARAMETER_LENGTH = 500
# Set to "later" by `make run`: its runs wait for the promotion, so that MLflow is loaded once.
UPLOAD = "FRAUD_UPLOAD"


def tracking_uri() -> str:
    """The server in MLFLOW_TRACKING_URI, or the SQLite
    store of the checkout, which queued experiments share.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{checkout() / 'mlflow.db'}"


def track(name: str, *, parameters: dict[str, Any], results_dir: Path, profile: str) -> None:
    """Log a finished study; a failure is a warning, and
    the run stays to be uploaded with `python -m fraud_core track`.

    Parameters
    ----------
    name
        Of the study.
    parameters
        What the notebook received; nested ones are logged as ``section.key``.
    results_dir
        Folder with metrics.json, figures and the executed notebook, relative to the project.
    profile
        quick or full.
    """
    metrics = read_metrics(results_dir)
    record = {
        "name": f"{name} ({profile})",
        "parameters": {
            key: str(value)[:MAX_PARAMETER_LENGTH] for key, value in _flatten(parameters).items()
        },
        "metrics": {
            key: value for key, value in metrics.items() if isinstance(value, (int, float))
        },
        "tags": {"study": name, "profile": profile, "git_revision": git_revision()}
        | _data_tags()
        | _experiment(),
        "artifacts": str(within_project(results_dir)),
    }
    pending = checkout() / PENDING / f"{name}-{profile}-{_digest(record)}.json"
    pending.parent.mkdir(parents=True, exist_ok=True)
    pending.write_text(json.dumps(record, indent=1), encoding="utf-8")
    if os.environ.get(UPLOAD) == "later":
        return
    # Queued experiments run beside each other: each uploads its own run.
    upload_pending() if project_root() == checkout() else _upload_all([pending])


def upload_pending() -> int:
    """Upload every run that is waiting; returns how many are still waiting."""
    return _upload_all(sorted((checkout() / PENDING).glob("*.json")))


def _upload_all(waiting: list[Path]) -> int:
    for number, path in enumerate(waiting):
        try:
            _upload(json.loads(path.read_bytes()))
        except _unreachable() as error:
            print(
                f"warning: MLflow at {_shown(tracking_uri())} did not take the run "
                f"({type(error).__name__}); nothing "
                f"is lost, upload later with `python -m fraud_core track`",
                file=sys.stderr,
            )
            return len(waiting) - number
        path.unlink(missing_ok=True)
    return 0


def register_champion() -> str | None:
    """Register the champion's bundle and give it the
    alias ``champion``; None when the server is down.
    """
    folder = within_project(CHAMPION)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    try:
        mlflow = _mlflow()
        client = mlflow.MlflowClient()
        known = client.search_model_versions(f"name = '{MODEL}'")
        same = [v for v in known if v.tags.get("model_version") == manifest["model_version"]]
        number = same[0].version if same else _register(mlflow, folder, manifest)
        client.set_registered_model_alias(MODEL, "champion", number)
    except _unreachable() as error:
        print(
            f"warning: the champion is not registered ({type(error).__name__}); repeat `make run`",
            file=sys.stderr,
        )
        return None
    return f"{MODEL} version {number}, alias champion"


def _register(mlflow: ModuleType, folder: Path, manifest: dict[str, Any]) -> str:
    with mlflow.start_run(run_name=f"champion {manifest['model_version']}"):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"bundle": str(folder)},
            pip_requirements=["numpy", "msgspec", "pandas"],
            registered_model_name=MODEL,
        )
        mlflow.set_tags({"git_revision": manifest["git_revision"]} | _data_tags())
    client = mlflow.MlflowClient()
    number = str(logged.registered_model_version)
    client.set_model_version_tag(MODEL, number, "model_version", manifest["model_version"])
    return number


def _upload(record: dict[str, Any]) -> None:
    mlflow = _mlflow()
    with mlflow.start_run(run_name=record["name"]):
        mlflow.log_params(record["parameters"])
        mlflow.log_metrics(record["metrics"])
        mlflow.set_tags(record["tags"])
        if within_project(
            record["artifacts"]
        ).is_dir():  # the folder of a queued experiment is gone after it
            mlflow.log_artifacts(str(within_project(record["artifacts"])))


def _mlflow() -> ModuleType:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import logging

    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(tracking_uri())
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        local = tracking_uri().startswith("sqlite:")
        mlflow.create_experiment(EXPERIMENT, str(checkout() / "mlartifacts") if local else None)
    mlflow.set_experiment(EXPERIMENT)
    return mlflow


def _unreachable() -> tuple[type[Exception], ...]:
    import mlflow.exceptions
    import requests
    import sqlalchemy.exc

    return (
        mlflow.exceptions.MlflowException,
        requests.RequestException,
        sqlalchemy.exc.SQLAlchemyError,
        OSError,
    )


def _shown(uri: str) -> str:
    """An address without credentials or folders."""
    return "the local store" if uri.startswith("sqlite:") else uri.split("@")[-1].split("?")[0]


def _data_tags() -> dict[str, str]:
    """The DVC hash (md5) of each data version that is there."""
    tags = {}
    for name in ("v0/transactions_2022", "v1/transactions_2023"):
        path = within_project(f"data/{name}.parquet")
        if path.is_file():
            tags[f"dvc_md5.{name.split('/')[0]}"] = hashlib.md5(
                path.read_bytes(), usedforsecurity=False
            ).hexdigest()
    return tags


def _experiment() -> dict[str, str]:
    """The name that DVC gave the experiment, when one is running."""
    name = os.environ.get("DVC_EXP_NAME")
    return {"dvc_experiment": name} if name else {}


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in values.items():
        flat |= (
            _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:8]
