"""Telemetry whose spans stay in memory."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from serve.telemetry.spans import Telemetry


def in_memory(spans, ratio):
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    return Telemetry(tracers, lambda: None, trace_ratio=ratio)
