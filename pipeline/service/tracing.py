"""OpenTelemetry traces, when `trace_endpoint` names a collector: a span a request and one for its scoring.

A span holds the method, the route's template, the status and the request's id: no path, no query, no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from starlette.datastructures import Headers
from starlette.types import Scope

from pipeline import __version__
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor


class Span(Protocol):
    def set_attribute(self, key: str, value: str | int) -> None: ...

    def update_name(self, name: str) -> None: ...


class Tracer(Protocol):
    """Opens spans; that of a request's `scope` follows the caller's, where `traceparent` names one."""

    def span(self, name: str, scope: Scope | None = None) -> AbstractContextManager[Span]: ...

    def close(self) -> None: ...


class NoTracer:
    """Does nothing, at no cost."""

    def span(self, name: str, scope: Scope | None = None) -> AbstractContextManager[Span]:
        return _NOTHING

    def close(self) -> None:
        pass


class _NoSpan:
    def set_attribute(self, key: str, value: str | int) -> None:
        pass

    def update_name(self, name: str) -> None:
        pass


_NOTHING = nullcontext(_NoSpan())


class OtelTracer:
    """Spans of this process, handed to `processor`."""

    def __init__(self, processor: SpanProcessor) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        resource = Resource.create({"service.name": "nabd", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("nabd", __version__)

    @contextmanager
    def span(self, name: str, scope: Scope | None = None) -> Iterator[Span]:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        above = TraceContextTextMapPropagator().extract(Headers(scope=scope)) if scope else None
        kind = SpanKind.SERVER if scope else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, above, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


def tracer_to(endpoint: str) -> Tracer:
    """A tracer that sends to an OTLP/HTTP collector, such as http://collector:4318/v1/traces; "" gives none.

    Raises UsageError without the `tracing` extra.
    """
    if not endpoint:
        return NoTracer()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise UsageError(f"trace_endpoint needs {error.name}: pip install 'nabd[tracing]'") from None
    return OtelTracer(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
