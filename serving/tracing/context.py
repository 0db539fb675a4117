"""The context of a trace on its way in: what a caller's headers say, as far as they keep to the rules."""

from collections.abc import Iterable, Sequence

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanContext, get_current_span

_LONGEST = 512
"""Characters of one header; W3C's own bound for tracestate, and far more than traceparent has."""

Carrier = Sequence[tuple[bytes, bytes]]


class _Headers(Getter[Carrier]):
    """Looks for headers in ASGI's form; what is too long, or twice there and must not be, is not there."""

    def get(self, carrier: Carrier, key: str) -> list[str] | None:
        wanted = key.lower().encode("latin-1")
        found = [value.decode("latin-1") for name, value in carrier if name == wanted]
        if not found or sum(map(len, found)) > _LONGEST or (len(found) > 1 and wanted != b"tracestate"):
            return None
        return found

    def keys(self, carrier: Carrier) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier]


_HEADERS = _Headers()


def extract(headers: Carrier) -> Context:
    """The context that *headers* carry; an empty one where they carry none that is well-formed."""
    return propagate.extract(headers, Context(), _HEADERS)


def caller_of(context: Context) -> SpanContext | None:
    """The span in *context*, if there is one."""
    found = get_current_span(context).get_span_context()
    return found if found.is_valid else None


def as_headers(metadata: Iterable[tuple[str, str | bytes]]) -> Carrier:
    """gRPC's *metadata* in the same form."""
    return [
        (key.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for key, value in metadata
        if isinstance(value, str)
    ]
