"""The servers that benchmarks/serving.py measures: how
each is started, where it answers, and what it is asked.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SINK_PORT = 14_318
# What some environments lack; without them their earlier figures stay.
OPTIONAL = ("mlserver", "bentoml", "predict_granian")


@dataclass(frozen=True)
class Service:
    """A server to measure: how it is started, where it answers, and what it is asked."""

    name: str
    command: list[str]
    path: str
    body: dict
    environment: dict[str, str]
    ready: str = "/health/live"


def describe_services(scratch: Path) -> list[Service]:
    """Every service, with the first payment of v1 as its request."""
    payment = json.loads(output("-m", "fraud_core", "example"))
    decision = json.loads(output("-m", "fraud_core", "example", "--decision"))
    ours, python = [sys.executable, "-m", "serve"], sys.executable
    base = {"FRAUD_ACCESS": "open", "FRAUD_WORKERS": "1", "FRAUD_REQUESTS_PER_SECOND": "10000000"}

    def serving(name: str, path: str, body: dict, **more: str) -> Service:
        return Service(
            name, ours, path, body, base | {"FRAUD_STATE_DIR": str(scratch / name)} | more
        )

    models = scratch / "sklearn"
    subprocess.run([python, "benchmarks/services/train.py", str(models)], cwd=ROOT, check=True)
    empty = [python, "benchmarks/services/empty.py", "{port}"]
    boosting = str(models / "boosting")
    mlflow = [
        "mlflow",
        "models",
        "serve",
        "-m",
        boosting,
        "-p",
        "{port}",
        "-w",
        "1",
        "--env-manager",
        "local",
    ]
    frame = [python, "benchmarks/services/frame.py", "{port}"]
    features = {name: value for name, value in payment.items() if name != "Time"}
    peers = peer_services(scratch, features) if os.environ.get("PEERS") else []
    return [
        Service("litestar_empty", empty, "/asgi", payment, {}, ready="/"),
        Service("litestar_empty_typed", empty, "/typed", payment, {}, ready="/"),
        serving("predict", "/predict", payment),
        serving("predict_reasons", "/predict?reasons=true", payment),
        serving(
            "predict_telemetry",
            "/predict",
            payment,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{SINK_PORT}",
        ),
        serving("decisions", "/v1/decisions", decision),
        *(
            [under_granian(payment, base | {"FRAUD_STATE_DIR": str(scratch / "g")})]
            if find_spec("granian")
            else []
        ),
        Service(
            "fastapi_sklearn_dataframe",
            [*frame, str(models / "forest")],
            "/predict",
            features,
            {},
            ready="/docs",
        ),
        Service(
            "fastapi_sklearn_boosting", [*frame, boosting], "/predict", features, {}, ready="/docs"
        ),
        Service(
            "mlflow_serve",
            mlflow,
            "/invocations",
            {"dataframe_records": [features]},
            {},
            ready="/ping",
        ),
        *peers,
    ]


def under_granian(payment: dict, environment: dict[str, str]) -> Service:
    """Our application under another server than uvicorn."""
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--factory",
        "--port",
        "{port}",
        "--workers",
        "1",
        "--loop",
        "uvloop",
        "--no-ws",
        "--log-level",
        "warning",
        "serve.app:create_app",
    ]
    return Service("predict_granian", command, "/predict", payment, environment)


def peer_services(scratch: Path, features: dict[str, float]) -> list[Service]:
    """MLServer and BentoML, each as its own documentation
    starts it, with one worker and a model of the same kind.
    """
    python, folder = os.environ["PEERS"], scratch / "peers"
    frame = scratch / "v0.csv"
    subprocess.run(
        [sys.executable, "benchmarks/services/train.py", "--csv", str(frame)], cwd=ROOT, check=True
    )
    subprocess.run(
        [python, "benchmarks/services/peers.py", str(frame), str(folder)], cwd=ROOT, check=True
    )
    path = {"PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
    inputs = [
        {"name": n, "shape": [1, 1], "datatype": "FP64", "data": [v]} for n, v in features.items()
    ]
    asked = {"parameters": {"content_type": "pd"}, "inputs": inputs}
    bento = [
        "bentoml",
        "serve",
        "service:Fraud",
        "--port",
        "{port}",
        "--working-dir",
        str(folder / "bento"),
    ]
    return [
        Service(
            "mlserver",
            ["mlserver", "start", str(folder / "mlserver")],
            "/v2/models/fraud/infer",
            asked,
            path | {"MLSERVER_HOST": "127.0.0.1", "MLSERVER_HTTP_PORT": "{port}"},
            ready="/v2/models/fraud/ready",
        ),
        Service("bentoml", bento, "/predict", {"transaction": features}, path, ready="/readyz"),
    ]


def output(*arguments: str) -> str:
    """What a Python command prints."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
