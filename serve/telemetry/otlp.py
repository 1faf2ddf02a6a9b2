"""Export by OTLP: the spans of sampled requests, and
the counters of this worker as OpenTelemetry metrics.

The SDK observes sums but no histograms, so the histograms, which are counted anyhow, join each
export as data points.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram as OtlpHistogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from serve.telemetry.counters import Counters, Histogram
from serve.telemetry.spans import SERVICE, Telemetry, watch

EXPORT_TIMEOUT_SECONDS = 2
SHUTDOWN_SECONDS = 4


class WithHistograms(MetricExporter):
    """An exporter that adds the histograms of the counters to what it exports."""

    def __init__(self, exporter: MetricExporter, counters: Counters) -> None:
        super().__init__()
        self._exporter, self._counters, self._started_ns = exporter, counters, time.time_ns()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """Export the sums that were observed, and the histograms."""
        resource, *resources = metrics_data.resource_metrics
        scope, *scopes = resource.scope_metrics
        scope = replace(scope, metrics=[*scope.metrics, *self._histograms()])
        resource = replace(resource, scope_metrics=[scope, *scopes])
        return self._exporter.export(MetricsData([resource, *resources]), timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """As the exporter does."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """As the exporter does."""
        self._exporter.shutdown(timeout_millis, **kwargs)

    def _histograms(self) -> list[Metric]:
        totals, now_ns = self._counters.own(), time.time_ns()
        requests = []
        for (route, status), histogram in totals.requests().items():
            method, _, path = route.partition(" ")
            labels = {
                "http.request.method": method,
                "http.route": path,
                "http.response.status_code": status,
            }
            requests.append(
                self._point(histogram, now_ns, labels if path else labels | {"http.route": route})
            )
        inference = [self._point(totals.inference(), now_ns, {})]
        return [
            _metric("http.server.request.duration", "Time from request to answer", requests),
            _metric("fraud.inference.duration", "Time of one row in the model", inference),
        ]

    def _point(
        self, histogram: Histogram, now_ns: int, labels: dict[str, str | int]
    ) -> HistogramDataPoint:
        counts = [int(count) for count in histogram.counts]
        return HistogramDataPoint(
            attributes=labels,
            start_time_unix_nano=self._started_ns,
            time_unix_nano=now_ns,
            count=sum(counts),
            sum=histogram.total_seconds,
            bucket_counts=counts,
            explicit_bounds=histogram.buckets,
            min=0.0,
            max=0.0,
        )


def _metric(name: str, description: str, points: list[HistogramDataPoint]) -> Metric:
    return Metric(name, description, "s", OtlpHistogram(points, AggregationTemporality.CUMULATIVE))


def otlp_telemetry(counters: Counters, *, trace_ratio: float) -> Telemetry:
    """Telemetry that exports by OTLP over HTTP to the endpoint in the standard OTEL_* variables.

    Parameters
    ----------
    counters
        Of this worker.
    trace_ratio
        Share of the requests that are traced, in [0, 1].
    """
    resource = _resource(SERVICE)
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_TIMEOUT_SECONDS)))
    exporter = WithHistograms(OTLPMetricExporter(timeout=EXPORT_TIMEOUT_SECONDS), counters)
    meters = MeterProvider(
        resource=resource, metric_readers=[PeriodicExportingMetricReader(exporter)]
    )

    def events(_: CallbackOptions) -> Iterable[Observation]:
        for name, count in counters.own().events().items():
            yield Observation(count, {"event": name})

    meters.get_meter(SERVICE).create_observable_counter("fraud.events", [events])

    return Telemetry(
        tracers, lambda: _shut_down(tracers, meters), trace_ratio=trace_ratio, meters=meters
    )


def export_figures(service: str, read: Callable[[], dict[str, float]]) -> Callable[[], None]:
    """Send figures by OTLP over HTTP at the standard intervals,
    to the endpoint in the standard OTEL_* variables.

    Parameters
    ----------
    service
        Name of the process among others.
    read
        The figures now, as `serve.telemetry.spans.watch` takes them.

    Returns
    -------
    Callable
        Sends them a last time and ends.
    """
    exporter = OTLPMetricExporter(timeout=EXPORT_TIMEOUT_SECONDS)
    meters = MeterProvider(
        resource=_resource(service), metric_readers=[PeriodicExportingMetricReader(exporter)]
    )
    watch(meters.get_meter(service), read)
    return lambda: _shut_down(meters)


def _resource(service: str) -> Resource:
    name = os.environ.get("OTEL_SERVICE_NAME", service)
    return Resource.create({"service.name": name, "service.instance.id": str(os.getpid())})


def _shut_down(*providers: TracerProvider | MeterProvider) -> None:
    """Send what is left, but never hold up the end of the process for a collector that is down."""
    parts = [threading.Thread(target=provider.shutdown, daemon=True) for provider in providers]
    for part in parts:
        part.start()
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    for part in parts:
        part.join(max(0.0, deadline - time.monotonic()))
