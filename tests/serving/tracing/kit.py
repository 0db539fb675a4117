"""What follows requests in this process, and keeps what it saw."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import SpanKind, Tracer

from serving.tracing import Tracing, spans
from tests.serving.kit import served

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def parent(number: int) -> str:
    """A caller's header; each *number* is another trace."""
    return f"00-{number + 1:032x}-{number + 1:016x}-01"


@dataclass
class Kept:
    """*tracing*, and the spans that it has made."""

    tracing: Tracing
    tracer: Tracer
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> list[ReadableSpan]:
        return [*self.exporter.get_finished_spans()]

    @property
    def servers(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.kind is SpanKind.SERVER]

    def parts(self, span: ReadableSpan) -> dict[str, ReadableSpan]:
        """The children of *span*, by name."""
        own = span.context.span_id if span.context else 0
        return {one.name: one for one in self.spans if one.parent and one.parent.span_id == own}


@contextmanager
def keeping(sampler: Sampler | None = None) -> Iterator[Kept]:
    """What follows requests for the model of tests.serving.kit."""
    provider = TracerProvider(
        sampler=sampler, resource=Resource({"service.name": "sum"}), shutdown_on_exit=False
    )
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    tracing = spans.Tracing(provider, [processor], served().source)
    try:
        yield Kept(cast("Tracing", tracing), provider.get_tracer("own"), exporter)
    finally:
        provider.shutdown()


def ids(span: ReadableSpan) -> tuple[str, str]:
    """The ids of *span* as the log has them."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str:
    """What the caller's header would have been."""
    assert span.parent is not None
    assert span.context is not None
    assert span.parent.trace_id == span.context.trace_id
    return f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-01"


def plain(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of *span*."""
    return dict(span.attributes or {})
