"""Sampled traces and figures of the moment: off unless
an OTLP endpoint is configured (`serve.telemetry.otlp`).

Whether a request is traced is decided before a span is made: the caller's choice where it sent one,
else by chance. A request that is not traced costs a look at one header.
"""

from collections.abc import Callable
from random import random

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider, Observation
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider, set_span_in_context

SERVICE = "fraud-serve"
TRACEPARENT_LENGTH = 55


class Telemetry:
    """Makes the spans of the requests that are sampled.

    Parameters
    ----------
    trace_ratio
        Share of the requests that are traced when the caller says nothing of it, in [0, 1].
    meters
        Where `watch` sends figures; nowhere unless given.
    """

    def __init__(
        self,
        tracers: TracerProvider,
        shutdown: Callable[[], None],
        *,
        trace_ratio: float,
        meters: MeterProvider | None = None,
    ) -> None:
        self._tracer = tracers.get_tracer(SERVICE)
        self._meter = (meters or NoOpMeterProvider()).get_meter(SERVICE)
        self._ratio = trace_ratio
        self.shutdown = shutdown

    def watch(self, read: Callable[[], dict[str, float]]) -> None:
        """Export figures, as `watch` does."""
        watch(self._meter, read)

    def request_span(self, label: str, headers: dict[bytes, bytes]) -> Span | None:
        """A started span of a request that is sampled, else
        None; the label is ``METHOD /route``, or ``other``.
        """
        parent = headers.get(b"traceparent", b"")
        if len(parent) == TRACEPARENT_LENGTH:
            if parent[-1:] not in b"13579bdf":
                return None
        elif random() >= self._ratio:  # noqa: S311 - sampling needs no secret chance
            return None
        context = extract({"traceparent": parent.decode("latin-1")}) if parent else None
        return self._tracer.start_span(label, context=context, kind=SpanKind.SERVER)

    def end(self, span: Span, method: str, label: str, status: int) -> None:
        """End the span of a request."""
        route = label.rpartition(" ")[2]
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
            }
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def inference_span(self, parent: Span, started_ns: int, ended_ns: int) -> None:
        """A span of the time in the model, in nanoseconds since 1970."""
        span = self._tracer.start_span(
            "model inference", context=set_span_in_context(parent), start_time=started_ns
        )
        span.end(ended_ns)


def watch(meter: Meter, read: Callable[[], dict[str, float]]) -> None:
    """Export figures by name as gauges, read again at
    each export; there are the same names each time.
    """
    for name in read():
        meter.create_observable_gauge(name, [lambda _, name=name: [Observation(read()[name])]])
