"""Traces and metrics: in memory, and over the wire to a real OTLP receiver."""

import time

import pytest
from litestar.testing import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from serve.app import create_app
from serve.telemetry.counters import REQUEST_BUCKETS, Counters
from serve.telemetry.otlp import otlp_telemetry
from serve.telemetry.spans import Telemetry
from tests import otlp


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def traced(spans):
    """Telemetry that traces every request into memory."""
    return lambda counters: in_memory(spans, 1.0)


def in_memory(spans, ratio):
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    return Telemetry(tracers, lambda: None, trace_ratio=ratio)


def test_request_and_inference_are_spans(traced, spans, settings, transactions):
    with TestClient(create_app(settings, traced)) as client:
        client.post("/predict", json=transactions[0])
        client.post("/predict", content=b"{}", headers={"Content-Type": "application/json"})
    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["model inference", "POST /predict", "POST /predict"]
    inference, request, refused = spans.get_finished_spans()
    assert inference.parent.span_id == request.context.span_id
    assert inference.start_time >= request.start_time
    assert refused.attributes["http.response.status_code"] == 400


def test_only_the_sampled_share_is_traced_and_everything_is_counted(spans, settings, transactions):
    with TestClient(create_app(settings, lambda counters: in_memory(spans, 0.0))) as client:
        client.post("/predict", json=transactions[0])
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
        client.post("/predict", json=transactions[0], headers={"traceparent": parent + "0"})
        assert spans.get_finished_spans() == ()
        client.post("/predict", json=transactions[0], headers={"traceparent": parent + "1"})
        assert len(spans.get_finished_spans()) == 2
        counted = client.get("/metrics").text
    assert (
        'fraud_http_request_duration_seconds_count{route="POST /predict",status="200"} 3.0'
        in counted
    )
    assert "fraud_inference_duration_seconds_count 3.0" in counted


def test_unknown_paths_share_one_label(client):
    for number in range(20):
        client.get(f"/scan/{number}")
    counted = client.get("/metrics").text
    assert 'fraud_http_request_duration_seconds_count{route="other",status="404"} 20.0' in counted
    assert "scan" not in counted


def test_buckets_separate_milliseconds():
    assert sum(bound < 0.1 for bound in REQUEST_BUCKETS) >= 5


def test_counters_of_all_workers_add_up(tmp_path):
    first = Counters(tmp_path, ["POST /predict"])
    first.request("POST /predict", 200, 0.002)
    first.event("decision_block")
    (tmp_path / "7.counters").write_bytes(next(tmp_path.glob("*.counters")).read_bytes())
    (tmp_path / "8.counters").write_bytes(b"of another version")
    (histogram,) = first.merged().requests().values()
    assert (histogram.counts.sum(), histogram.total_seconds) == (2, 0.004)
    assert first.merged().events()["decision_block"] == 2
    assert first.own().events()["decision_block"] == 1
    first.close()


def test_trace_of_the_caller_is_continued(traced, spans, settings, transactions):
    with TestClient(create_app(settings, traced)) as client:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        client.post("/predict", json=transactions[0], headers={"traceparent": parent})
    assert {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans()} == {
        parent.split("-")[1]
    }


def test_collector_that_is_down_does_not_hold_up_the_end(settings, transactions, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with TestClient(
        create_app(settings, lambda counters: otlp_telemetry(counters, trace_ratio=1.0))
    ) as client:
        assert client.post("/predict", json=transactions[0]).status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 8


@pytest.fixture
def received(monkeypatch):
    """What reached the receiver that the environment names, by path."""
    with otlp.receiver() as (address, requests):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        yield requests


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
