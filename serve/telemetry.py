"""Traces and metrics by OpenTelemetry: off unless an OTLP endpoint is configured."""

import time
from collections.abc import Callable

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import SpanKind, TracerProvider

SERVICE = "fraud-serve"


class Telemetry:
    """A span and a latency for each request, a span and a duration for each inference."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider, shutdown: Callable[[], None]) -> None:
        self._tracer = tracers.get_tracer(SERVICE)
        meter = meters.get_meter(SERVICE)
        self._latency = meter.create_histogram("http.server.request.duration", "s", "Time from request to answer")
        self._inference = meter.create_histogram("fraud.inference.duration", "s", "Time in the model")
        self.shutdown = shutdown

    def timed_inference(self, score: Callable) -> Callable:
        """The same scoring function, with a span and its duration recorded."""

        def timed(features):
            started = time.perf_counter()
            with self._tracer.start_as_current_span("model inference"):
                answer = score(features)
            self._inference.record(time.perf_counter() - started)
            return answer

        return timed

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Wrap an ASGI application: one span and one latency for each HTTP request."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            started, status = time.perf_counter(), 500

            async def watch(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            route = scope["path"] if is_known_route(scope) else "other"
            with self._tracer.start_as_current_span(f"{scope['method']} {route}", kind=SpanKind.SERVER) as span:
                try:
                    await app(scope, receive, watch)
                finally:
                    labels = {
                        "http.request.method": scope["method"],
                        "http.route": route,
                        "http.response.status_code": status,
                    }
                    span.set_attributes(labels)
                    self._latency.record(time.perf_counter() - started, labels)

        return wrapped


def is_known_route(scope: Scope) -> bool:
    """Whether a path is one of ours; unknown paths share one label, so that a scanner cannot fill the memory."""
    return scope["path"] in {"/predict", "/health/live", "/health/ready"}


def otlp_telemetry() -> Telemetry:
    """Telemetry that exports by OTLP over HTTP to the endpoint in the standard OTEL_* variables."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider as SdkMeters
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as SdkTracers
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": SERVICE})
    tracers = SdkTracers(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = SdkMeters(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])

    def shutdown() -> None:
        tracers.shutdown()
        meters.shutdown()

    return Telemetry(tracers, meters, shutdown)
