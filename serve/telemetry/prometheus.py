"""The counters as Prometheus reads them, and as OTLP metrics."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from serve.telemetry.counters import Counters, Histogram

CONTENT_TYPE = CONTENT_TYPE_LATEST
WORDS = str.maketrans("._", "  ")


class _Collector:
    def __init__(self, counters: Counters, gauges: dict[str, float]) -> None:
        self._counters, self._gauges = counters, gauges

    def collect(self) -> Iterator[Metric]:
        totals = self._counters.merged()
        requests = HistogramMetricFamily(
            "fraud_http_request_duration_seconds",
            "Time from request to answer",
            labels=["route", "status"],
        )
        for (route, status), histogram in totals.requests().items():
            buckets, total = _buckets(histogram)
            requests.add_metric([route, str(status)], buckets, total)
        yield requests
        inference = HistogramMetricFamily(
            "fraud_inference_duration_seconds", "Time of one row in the model"
        )
        inference.add_metric([], *_buckets(totals.inference()))
        yield inference
        events = CounterMetricFamily(
            "fraud_events", "Decisions by action, labels, reloads, failures", labels=["event"]
        )
        for name, count in totals.events().items():
            events.add_metric([name], count)
        yield events
        for name, value in self._gauges.items():
            yield GaugeMetricFamily(name.replace(".", "_"), name.translate(WORDS), value)


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    ends: Iterable[str] = [*(f"{end:g}" for end in histogram.buckets), "+Inf"]
    return list(zip(ends, histogram.counts.cumsum().tolist(), strict=True)), histogram.total_seconds


def prometheus_text(counters: Counters, gauges: dict[str, float]) -> bytes:
    """The counters of all workers, and gauges by their names
    in OpenTelemetry, in the text format of Prometheus.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(counters, gauges))
    return generate_latest(registry)
