"""Traces in memory, and a real OTLP receiver on the loopback address."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests import otlp
from tests.serve.telemetry.memory import in_memory


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def traced(spans):
    """Telemetry that traces every request into memory."""
    return lambda counters: in_memory(spans, 1.0)


@pytest.fixture
def received(monkeypatch):
    """What reached the receiver that the environment names, by path."""
    with otlp.receiver() as (address, requests):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        yield requests
