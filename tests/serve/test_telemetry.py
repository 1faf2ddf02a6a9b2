"""Traces and metrics: in memory, and over the wire to a real OTLP receiver."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from litestar.testing import TestClient
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from serve.app import create_app
from serve.telemetry import Telemetry, otlp_telemetry


@pytest.fixture
def memory():
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    return Telemetry(tracers, meters, lambda: None), spans, reader


def recorded(reader):
    data = reader.get_metrics_data()
    return {
        metric.name: metric.data.data_points
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_request_and_inference_are_spans_and_histograms(memory, settings, transactions):
    telemetry, spans, reader = memory
    with TestClient(create_app(settings, telemetry)) as client:
        client.post("/predict", json=transactions[0])
        client.post("/predict", content=b"{}", headers={"Content-Type": "application/json"})
    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["model inference", "POST /predict", "POST /predict"]
    inference, request, _ = spans.get_finished_spans()
    assert inference.parent.span_id == request.context.span_id
    found = recorded(reader)
    assert sum(point.count for point in found["fraud.inference.duration"]) == 1
    statuses = {point.attributes["http.response.status_code"] for point in found["http.server.request.duration"]}
    assert statuses == {200, 400}


def test_buckets_separate_milliseconds(memory, settings, transactions):
    telemetry, _, reader = memory
    with TestClient(create_app(settings, telemetry)) as client:
        client.post("/predict", json=transactions[0])
    (point,) = recorded(reader)["http.server.request.duration"]
    assert sum(bound < 0.1 for bound in point.explicit_bounds) >= 5


def test_trace_of_the_caller_is_continued(memory, settings, transactions):
    telemetry, spans, _ = memory
    with TestClient(create_app(settings, telemetry)) as client:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        client.post("/predict", json=transactions[0], headers={"traceparent": parent})
    assert {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans()} == {parent.split("-")[1]}


def test_collector_that_is_down_does_not_hold_up_the_end(settings, transactions, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with TestClient(create_app(settings, otlp_telemetry())) as client:
        assert client.post("/predict", json=transactions[0]).status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 8


def test_unknown_paths_share_one_label(memory, settings):
    telemetry, _, reader = memory
    with TestClient(create_app(settings, telemetry)) as client:
        for number in range(20):
            client.get(f"/scan/{number}")
    points = recorded(reader)["http.server.request.duration"]
    assert {point.attributes["http.route"] for point in points} == {"other"}


class Receiver(BaseHTTPRequestHandler):
    received: list = []  # noqa: RUF012 - one receiver for one test

    def do_POST(self):
        self.received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_traces_and_metrics_reach_an_otlp_receiver(settings, transactions, monkeypatch):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    with TestClient(create_app(settings, otlp_telemetry())) as client:
        client.post("/predict", json=transactions[0])
    server.shutdown()
    server.server_close()
    bodies = dict(Receiver.received)
    traces = ExportTraceServiceRequest.FromString(bodies["/v1/traces"])
    metrics = ExportMetricsServiceRequest.FromString(bodies["/v1/metrics"])
    spans = {span.name for r in traces.resource_spans for s in r.scope_spans for span in s.spans}
    names = {metric.name for r in metrics.resource_metrics for s in r.scope_metrics for metric in s.metrics}
    assert spans == {"POST /predict", "model inference"}
    assert {"http.server.request.duration", "fraud.inference.duration"} <= names
