import time

from litestar.testing import TestClient

from serve.app import create_app
from serve.telemetry.counters import REQUEST_BUCKETS
from serve.telemetry.otlp import otlp_telemetry


def test_collector_that_is_down_does_not_hold_up_the_end(settings, transactions, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with TestClient(
        create_app(settings, lambda counters: otlp_telemetry(counters, trace_ratio=1.0))
    ) as client:
        assert client.post("/predict", json=transactions[0]).status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 8


def test_figure_of_another_process_reaches_a_receiver(received):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    from serve.telemetry.otlp import export_figures

    export_figures("fraud-follow", lambda: {"fraud.follower.behind_seconds": 7.5})()
    (sent,) = ExportMetricsServiceRequest.FromString(received["/v1/metrics"][-1]).resource_metrics
    (metric,) = sent.scope_metrics[0].metrics
    assert (metric.name, metric.gauge.data_points[0].as_double) == (
        "fraud.follower.behind_seconds",
        7.5,
    )
    assert {a.key: a.value.string_value for a in sent.resource.attributes}[
        "service.name"
    ] == "fraud-follow"


def test_traces_and_metrics_reach_an_otlp_receiver(settings, transactions, received):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with TestClient(
        create_app(settings, lambda counters: otlp_telemetry(counters, trace_ratio=1.0))
    ) as client:
        client.post("/predict", json=transactions[0])
    traces = ExportTraceServiceRequest.FromString(received["/v1/traces"][-1])
    metrics = ExportMetricsServiceRequest.FromString(received["/v1/metrics"][-1])
    spans = {span.name for r in traces.resource_spans for s in r.scope_spans for span in s.spans}
    names = {
        metric.name
        for r in metrics.resource_metrics
        for s in r.scope_metrics
        for metric in s.metrics
    }
    assert spans == {"POST /predict", "model inference"}
    assert {"http.server.request.duration", "fraud.inference.duration", "fraud.events"} <= names
    assert {"fraud.drift.rows", "fraud.drift.variables_drifted", "fraud.drift.known"} <= names
    points = {
        metric.name: metric.histogram.data_points
        for r in metrics.resource_metrics
        for s in r.scope_metrics
        for metric in s.metrics
        if metric.WhichOneof("data") == "histogram"
    }
    (request,) = points["http.server.request.duration"]
    assert (request.count, len(request.bucket_counts)) == (1, len(REQUEST_BUCKETS) + 1)
    assert {a.key: a.value.string_value for a in request.attributes}["http.route"] == "/predict"
