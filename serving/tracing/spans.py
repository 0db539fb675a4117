"""One span for each request and one for each part of the work on it, made when it is over."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any, TypeVar

from opentelemetry import context as current
from opentelemetry import trace as api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from modelpack._version import __version__
from serving.metrics import ROUTES
from serving.models import Source
from serving.passage import Passage, clock
from serving.tracing import Call, Exchange, outgoing
from serving.tracing.context import caller_of, extract
from serving.tracing.subjects import UNREAD as UNREAD_SUBJECT
from serving.tracing.subjects import Attributes, Subject, of_grpc, of_http

Ask = TypeVar("Ask", bound=Callable[..., Any])

SCOPE = "modelpack.serving"

_RANDOM = 0x02
"""The flag of W3C's second level: every bit of the trace's id is random."""

_GONE = 499
_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""What OpenTelemetry's conventions for gRPC call a server's own error."""

_ERROR = Status(StatusCode.ERROR)
_UNSET = Status()
_MOST_ATTRIBUTES = 24
"""More than any of these spans has."""


class Trace:
    """One request that is followed."""

    __slots__ = ("_context", "_numbers", "_state", "is_sampled", "offset", "passage", "started", "subject")

    def __init__(self, subject: Subject, started: float, numbers: tuple[int, int, int], state: Any) -> None:
        self.subject = subject
        self.started = started
        self._numbers = numbers
        self._state = state
        self._context: SpanContext | None = None
        self.is_sampled = bool(numbers[2] & TraceFlags.SAMPLED)
        """Whether it is told, or only named in the log."""
        self.passage = Passage()
        self.offset = time.time_ns() - int(clock() * 1e9)
        """From a moment to nanoseconds since 1970; one for all moments of a request, whatever clocks do."""

    @property
    def trace_id(self) -> str:
        return f"{self._numbers[0]:032x}"

    @property
    def span_id(self) -> str:
        return f"{self._numbers[1]:016x}"

    @property
    def context(self) -> SpanContext:
        """The same as the SDK has it; made when somebody asks, on the short way after the answer."""
        if self._context is None:
            self._context = self.part(self._numbers[1])
        return self._context

    def part(self, span_id: int) -> SpanContext:
        """A span of the same trace."""
        trace_id, _, flags = self._numbers
        return SpanContext(
            trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags), trace_state=self._state
        )

    @property
    def around(self) -> Context:
        """The context of the caller, in which this is the current span."""
        return api.set_span_in_context(NonRecordingSpan(self.context), self.subject.parent)

    def at(self, moment: float) -> int:
        """*moment* in nanoseconds since 1970."""
        return int(moment * 1e9) + self.offset


class Tracing:
    """Follows requests for *source*, and hands their spans to the processors of *provider*.

    Its tracer would take seven times as long: it guards spans that anybody may change at any time, and these
    are only made when all is known. The provider's sampler decides, and its limits are kept.
    """

    def __init__(self, provider: TracerProvider, processors: Sequence[SpanProcessor], source: Source) -> None:
        self._provider = provider
        self._processors = processors
        self._sampler = provider.sampler
        self._resource = provider.resource
        self._scope = InstrumentationScope(SCOPE, __version__)
        self._tracer = provider.get_tracer(SCOPE, __version__)
        self._limits = _limits()
        facts = {
            "modelpack.model.name": source.name,
            "modelpack.model.version": source.version,
            "modelpack.model.digest": source.digest,
        }
        self._model = {name: value for name, value in facts.items() if value}

    def http(self, scope: Mapping[str, Any]) -> Subject | None:
        """What a request is about; None for one that is not followed."""
        return of_http(scope)

    def grpc(self, method: str, metadata: Sequence[tuple[str, str | bytes]]) -> Subject | None:
        """The same of a call of *method*."""
        return of_grpc(method, metadata)

    def again(self, subject: Subject, headers: Sequence[tuple[bytes, bytes]]) -> Subject:
        """*subject*, asked by somebody whose context is in *headers*."""
        parent = extract(headers)
        return replace(subject, parent=parent, caller=caller_of(parent))

    def begin(self, subject: Subject, started: float) -> Trace:
        """Follow a request."""
        caller = subject.caller
        if caller is None:
            trace_id, flags = _number(128), _RANDOM
        else:
            trace_id, flags = caller.trace_id, caller.trace_flags & _RANDOM
        decided = self._sampler.should_sample(
            subject.parent, trace_id, subject.name, SpanKind.SERVER, subject.attributes, ()
        )
        if decided.decision is Decision.RECORD_AND_SAMPLE:
            flags |= TraceFlags.SAMPLED
        if decided.attributes and decided.attributes != subject.attributes:
            # A sampler may have something to say about its choice.
            told = {**subject.attributes, **_plain(decided.attributes)}
            subject = replace(subject, attributes=told)
        return Trace(subject, started, (trace_id, _number(64), flags), decided.trace_state)

    @contextmanager
    def inside(self, trace: Trace) -> Iterator[None]:
        """What is done in the block is done for *trace*."""
        token = current.attach(trace.around)
        try:
            trace.passage.context = copy_context()
            yield
        finally:
            current.detach(token)

    def end(self, trace: Trace, exchange: Exchange) -> None:
        """The request is over."""
        if not trace.is_sampled:
            return
        subject, status = trace.subject, exchange.status
        attributes = {**subject.attributes, "modelpack.request_id": exchange.request_id}
        name = subject.method
        if exchange.route:
            attributes["http.route"] = route = ROUTES[exchange.route]
            name = f"{subject.method} {route}"
        if status == _GONE:
            # No answer, so no status: the caller hung up.
            attributes["error.type"] = "ClientGone"
        else:
            attributes["http.response.status_code"] = status
            if status >= 500:
                attributes["error.type"] = str(status)
        self._finish(trace, name, attributes, exchange, failed=status >= 500)

    def end_call(self, trace: Trace, call: Call) -> None:
        """The call is over."""
        if not trace.is_sampled:
            return
        status = call.status.name
        attributes = {
            **trace.subject.attributes,
            "modelpack.request_id": call.request_id,
            "rpc.response.status_code": status,
        }
        if status != "OK":
            attributes["error.type"] = status
        self._finish(trace, trace.subject.name, attributes, call, failed=status in _FAULTS)

    def refused(self, status: int) -> None:
        """A request was refused before anybody knew what it is about."""
        trace = self.begin(UNREAD_SUBJECT, clock())
        if not trace.is_sampled:
            return
        attributes = {**trace.subject.attributes, "http.response.status_code": status}
        now = trace.at(clock())
        self._hand_on(trace, trace.context, SpanKind.SERVER, "HTTP", attributes, (now, now), _UNSET)

    def asking(self, ask: Ask) -> Ask:
        """*ask*, in a span of its own, with the context on the requests that it sends to other servers."""
        return outgoing.followed(ask, self._tracer)

    def close(self, seconds: float) -> None:
        """Let what is not exported yet leave, within *seconds*."""
        # The processor waits for thirty seconds if need be, and for a collector that hangs.
        closing = threading.Thread(target=self._provider.shutdown, name="spans", daemon=True)
        closing.start()
        closing.join(seconds)

    def _finish(
        self, trace: Trace, name: str, attributes: Attributes, over: Exchange | Call, *, failed: bool
    ) -> None:
        now = clock()
        parts = [*_parts(trace.passage, now)]
        for part, begun, ended in parts:
            status = _ERROR if failed and part == parts[-1][0] else _UNSET
            own = self._of_prediction(trace, over) if part == "predict" else {}
            context = trace.part(_number(64))
            span = (trace.at(begun), trace.at(ended))
            self._hand_on(trace, context, SpanKind.INTERNAL, part, own, span, status)
        whole = (trace.at(trace.started), trace.at(now))
        status = _ERROR if failed else _UNSET
        self._hand_on(trace, trace.context, SpanKind.SERVER, name, attributes, whole, status)

    def _of_prediction(self, trace: Trace, over: Exchange | Call) -> Attributes:
        own: dict[str, str | int] = {**self._model, "modelpack.batch.requests": trace.passage.requests}
        if over.rows is not None:
            own["modelpack.rows"] = over.rows
        if over.engine is not None:
            own["modelpack.engine"] = over.engine
        return own

    def _hand_on(
        self,
        trace: Trace,
        context: SpanContext,
        kind: SpanKind,
        name: str,
        attributes: Attributes,
        span: tuple[int, int],
        status: Status,
    ) -> None:
        is_whole = context is trace.context
        limits = self._limits
        kept: Any = attributes
        if limits is not None:
            kept = BoundedAttributes(
                limits.max_span_attributes,
                attributes,
                immutable=True,
                max_value_len=limits.max_span_attribute_length,
            )
        made = ReadableSpan(
            name,
            context,
            parent=trace.subject.caller if is_whole else trace.context,
            resource=self._resource,
            attributes=kept,
            kind=kind,
            status=status,
            start_time=span[0],
            end_time=span[1],
            instrumentation_scope=self._scope,
        )
        for processor in self._processors:
            processor.on_end(made)


def _number(bits: int) -> int:
    """A random id; zero stands for none."""
    return random.getrandbits(bits) or _number(bits)


def _parts(passage: Passage, now: float) -> Iterator[tuple[str, float, float]]:
    """What was begun, in its order; what did not end lasts until *now*."""
    for name, begun, ended in sorted(
        (
            ("decode", passage.decode, passage.decoded),
            ("wait", passage.entered, passage.left),
            ("predict", passage.predict, passage.predicted),
            ("encode", passage.encode, passage.encoded),
        ),
        key=_begun,
    ):
        if begun:
            yield name, begun, ended or now


def _begun(part: tuple[str, float, float]) -> float:
    return part[1]


def _plain(attributes: Mapping[str, Any]) -> Attributes:
    return {name: value for name, value in attributes.items() if isinstance(value, str | int)}


def _limits() -> SpanLimits | None:
    """What an operator bounds by variables; None where no span here comes near it."""
    limits = SpanLimits()
    most, longest = limits.max_span_attributes, limits.max_span_attribute_length
    return None if longest is None and (most is None or most >= _MOST_ATTRIBUTES) else limits
