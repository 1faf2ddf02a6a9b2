"""The collector's configuration is whole, and what the
service sends passes a collector on its way to a receiver.

The official collector is an image that no package index holds. In its place stands Rotel, which
speaks the same protocol on the endpoint of the configuration and reads settings of its own.
"""

import json
import subprocess
import urllib.request

import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests import otlp
from tests.conftest import ROOT
from tests.delivery import semantics
from tests.delivery.tools import TOOLS, rendered
from tests.network import ANSWER_SECONDS, free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until, wait_until_ended

CONFIGS = [
    ROOT / "k8s" / "base" / "collector-config.yaml",
    ROOT / "k8s" / "overlays" / "gke" / "collector-config.yaml",
]
FROM_WORKERS = ("traces", "metrics")


@pytest.fixture(params=CONFIGS, ids=["base", "gke"])
def config(request):
    return yaml.safe_load(request.param.read_text())


def test_every_pipeline_uses_what_is_declared_and_everything_declared_is_used(config):
    service = config["service"]
    assert set(service["pipelines"]) == set(FROM_WORKERS)
    for part in ("receivers", "processors", "exporters"):
        used = {name for pipeline in service["pipelines"].values() for name in pipeline[part]}
        assert used == set(config[part])
    assert service["extensions"] == list(config["extensions"])


def test_memory_is_bounded_first_and_sending_is_batched_last(config):
    for pipeline in config["service"]["pipelines"].values():
        assert (pipeline["processors"][0], pipeline["processors"][-1]) == (
            "memory_limiter",
            "batch",
        )


def test_collector_listens_where_the_service_sends_and_the_probes_ask(config):
    objects = rendered("k8s/overlays/gke")
    (container,) = semantics.containers(semantics.pods(objects)["fraud-collector"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(
        f":{ports['otlp']}"
    )
    assert config["extensions"]["health_check"]["endpoint"].endswith(f":{ports['health']}")
    (service,) = semantics.named(objects, "Service", "fraud-collector")["spec"]["ports"]
    settings = next(
        each["data"]
        for each in semantics.of_kind(objects, "ConfigMap")
        if "FRAUD_WORKERS" in each["data"]
    )
    assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://fraud-collector:{service['port']}"


@pytest.fixture
def receiver():
    """A receiver at the end of the way."""
    with otlp.receiver() as found:
        yield found


@pytest.fixture
def collector(receiver, tmp_path):
    """Address of a collector that hands on to the receiver."""
    found = list(TOOLS.parent.glob("lib/*/site-packages/rotel/rotel-agent"))
    if not found:
        pytest.skip("no Rotel on this machine (`make tools`, on Linux x86-64)")
    port = free_port()
    process = subprocess.Popen(
        [
            found[0],
            "start",
            "--otlp-http-endpoint",
            f"127.0.0.1:{port}",
            "--otlp-grpc-endpoint",
            f"127.0.0.1:{free_port()}",
            "--exporter",
            "otlp",
            "--otlp-exporter-endpoint",
            receiver[0],
            "--otlp-exporter-protocol",
            "http",
            "--pid-file",
            tmp_path / "pid",
        ],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    wait_until_ended(process)


@pytest.mark.slow
def test_traces_and_metrics_pass_a_collector(environment, transactions, collector, receiver):
    port, received = free_port(), receiver[1]
    process = start(
        **environment
        | {
            "FRAUD_PORT": str(port),
            "FRAUD_WORKERS": "1",
            "FRAUD_TRACE_RATIO": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_BSP_SCHEDULE_DELAY": "500",
        }
    )
    try:
        wait_until_ready(port, process)
        for row in transactions[:5]:
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}/predict",
                json.dumps(row).encode(),
                {"Content-Type": "application/json"},
            )
            urllib.request.urlopen(asked, timeout=ANSWER_SECONDS).close()
    finally:
        process.terminate()
        wait_until_ended(process)
    wait_until(
        lambda: {"/v1/traces", "/v1/metrics"} <= set(received) and len(predictions(received)) >= 5,
        "traces and metrics of five predictions",
    )
    assert len(predictions(received)) == 5
    metrics = [ExportMetricsServiceRequest.FromString(body) for body in received["/v1/metrics"]]
    names = {
        m.name
        for each in metrics
        for r in each.resource_metrics
        for s in r.scope_metrics
        for m in s.metrics
    }
    assert {"http.server.request.duration", "fraud.inference.duration", "fraud.events"} <= names


def predictions(received):
    """The spans of scored requests that arrived."""
    traces = [ExportTraceServiceRequest.FromString(body) for body in received["/v1/traces"]]
    spans = [
        span
        for each in traces
        for r in each.resource_spans
        for s in r.scope_spans
        for span in s.spans
    ]
    return [span for span in spans if span.name == "POST /predict"]
