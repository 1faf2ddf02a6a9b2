"""Traces and metrics by OpenTelemetry: off unless an OTLP endpoint is configured."""

import os
import threading
import time
from collections.abc import Callable

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.metrics import MeterProvider
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, StatusCode, TracerProvider

SERVICE = "fraud-serve"
ROUTES = {"/predict", "/health/live", "/health/ready"}
# Upper ends of the histograms' buckets in seconds: a request takes about a millisecond, an inference less.
REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0]
INFERENCE_BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1]
CLIENT_CLOSED = 499  # no answer was started: the client went away
EXPORT_TIMEOUT_SECONDS = 2
SHUTDOWN_SECONDS = 4


class Telemetry:
    """A span and a latency for each request, a span and a duration for each inference."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider, shutdown: Callable[[], None]) -> None:
        self._tracer = tracers.get_tracer(SERVICE)
        meter = meters.get_meter(SERVICE)
        self._latency = meter.create_histogram(
            "http.server.request.duration", "s", "Time from request to answer",
            explicit_bucket_boundaries_advisory=REQUEST_BUCKETS,
        )  # fmt: skip
        self._inference = meter.create_histogram(
            "fraud.inference.duration", "s", "Time in the model", explicit_bucket_boundaries_advisory=INFERENCE_BUCKETS
        )
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
            started, status = time.perf_counter(), CLIENT_CLOSED

            async def watch(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            route = known_route(scope["path"])
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            with self._tracer.start_as_current_span(
                f"{scope['method']} {route}", context=extract(headers), kind=SpanKind.SERVER
            ) as span:
                try:
                    await app(scope, receive, watch)
                finally:
                    labels = {
                        "http.request.method": scope["method"],
                        "http.route": route,
                        "http.response.status_code": status,
                    }
                    span.set_attributes(labels)
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                    self._latency.record(time.perf_counter() - started, labels)

        return wrapped


def known_route(path: str) -> str:
    """A path of ours, or ``other``: unknown paths share one label, so that a scanner cannot fill the memory."""
    route = path.rstrip("/") or "/"
    return route if route in ROUTES else "other"


def otlp_telemetry() -> Telemetry:
    """Telemetry that exports by OTLP over HTTP to the endpoint in the standard OTEL_* variables."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider as SdkMeters
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as SdkTracers
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", SERVICE)})
    tracers = SdkTracers(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_TIMEOUT_SECONDS)))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=EXPORT_TIMEOUT_SECONDS))
    meters = SdkMeters(resource=resource, metric_readers=[reader])

    def shutdown() -> None:
        """Send what is left, but never hold up the end of the process for a collector that is down."""
        parts = [threading.Thread(target=part.shutdown, daemon=True) for part in (tracers, meters)]
        for part in parts:
            part.start()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        for part in parts:
            part.join(max(0.0, deadline - time.monotonic()))

    return Telemetry(tracers, meters, shutdown)
