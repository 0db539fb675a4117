"""The calls of ``inference.GRPCInferenceService``."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import (  # type: ignore[import-untyped]  # it publishes no types
    DecodeError,
)

from modelpack._version import __version__
from modelpack.errors import PredictionFailed, shorten
from modelpack.logs import Lines, as_line, now
from serving import contract
from serving.codecs._v2_facts import EXTENSIONS, TensorFacts, facts_of, find
from serving.dataplane import DataPlane
from serving.errors import BodyTooLarge, BodyTooSlow, InvalidRequest, Overloaded
from serving.grpc import service_pb2 as messages
from serving.grpc.codec import GrpcCodec
from serving.grpc.problems import status_of
from serving.metrics import place_of
from serving.middleware.request_id import choose_request_id
from serving.settings import Settings
from serving.tracing import Trace, Tracing

logger = logging.getLogger(__name__)

SERVICE = contract.GRPC_SERVICE

_BODIES = 4
"""How many messages of the largest size a process holds at one time."""

_SLOWEST = 1 << 20
"""Bytes a second that a message of the largest size may come in."""

_REQUEST_ID = contract.REQUEST_ID.lower()

_Bodies: TypeAlias = AsyncIterator[bytes]
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Verb: TypeAlias = Callable[[bytes, "_Call"], Awaitable[bytes]]


class _Call:
    """One call and what is known of it. Its messages are bytes, in and out."""

    def __init__(self, method: str, context: Any) -> None:
        self.method = method
        self.context = context
        given = [_bytes(value) for key, value in context.invocation_metadata() or () if key == _REQUEST_ID]
        self.request_id = choose_request_id(given)
        self.status = grpc.StatusCode.CANCELLED
        self.started = time.perf_counter()
        self.rows: int | None = None
        self.batch: int | None = None
        self.engine: str | None = None
        self.bytes_in = self.bytes_out = 0
        self.trace: Trace | None = None

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self.started

    def line(self) -> str:
        """As the access log has it, beside the requests over HTTP."""
        trace = self.trace
        ids = {} if trace is None else {"trace_id": trace.trace_id, "span_id": trace.span_id}
        return as_line(
            {
                "time": now(),
                "event": "request",
                "method": "gRPC",
                "path": f"/{SERVICE}/{self.method}",
                "status": self.status.name,
                "ms": round(self.seconds * 1000, 3),
                "request_id": self.request_id,
                "rows": self.rows,
                "batch": self.batch,
                "engine": self.engine,
                "bytes_in": self.bytes_in,
                "bytes_out": self.bytes_out,
                **ids,
            }
        )


class Service:
    """Answers for *plane*; a line for each call goes to *lines*."""

    def __init__(
        self, plane: DataPlane, settings: Settings, lines: Lines, tracing: Tracing | None = None
    ) -> None:
        self._plane = plane
        self._tracing = tracing
        self._settings = settings
        self._lines = lines
        self._held = 0
        self._going_on = asyncio.Event()
        self._going_on.set()
        self._verbs: dict[str, _Verb] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }

    def hold_back(self) -> None:
        """Let new calls wait."""
        self._going_on.clear()

    def go_on(self) -> None:
        """Answer those that wait, and hold back nobody."""
        self._going_on.set()

    def handler(self) -> Any:
        """What a gRPC server is given; every other call of the protocol is UNIMPLEMENTED."""
        # Streams of one message, which is what callers send: so it is read when there is room for it, and not
        # waited for without end.
        methods = {name: grpc.stream_unary_rpc_method_handler(self._method(name)) for name in self._verbs}
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _method(self, name: str) -> Callable[[_Bodies, Any], Awaitable[bytes]]:
        metrics, route = self._plane.metrics, place_of(f"/{SERVICE}/{name}")

        async def answer(bodies: _Bodies, context: Any) -> bytes:
            call = _Call(name, context)
            metrics.entered()
            context.set_trailing_metadata(((_REQUEST_ID, call.request_id),))
            try:
                with self._followed(call):
                    return await self._answer(bodies, call)
            finally:
                self._held -= call.bytes_in
                self._lines.put(call.line())
                metrics.answered(route, call.status.name, call.seconds, call.rows)
                metrics.left()

        return answer

    @contextmanager
    def _followed(self, call: _Call) -> Iterator[None]:
        subject = self._tracing and self._tracing.grpc(call.method, call.context.invocation_metadata() or ())
        if self._tracing is None or subject is None:
            yield
            return
        call.trace = self._tracing.begin(subject, call.started)
        try:
            with self._tracing.inside(call.trace):
                yield
        finally:
            self._tracing.end_call(call.trace, call)

    async def _answer(self, bodies: _Bodies, call: _Call) -> bytes:
        try:
            await self._going_on.wait()
            if call.method == "ModelInfer":
                self._plane.require_room()
            body = await self._read(bodies, call)
            answer = await self._verbs[call.method](body, call)
        except Exception as error:
            call.status, words = status_of(error)
            _log(error, call)
            await call.context.abort(call.status, words)
            raise
        call.status, call.bytes_out = grpc.StatusCode.OK, len(answer)
        return answer

    async def _read(self, bodies: _Bodies, call: _Call) -> bytes:
        limit = self._settings.body_limit
        seconds = self._settings.body_timeout + limit / _SLOWEST
        try:
            async with asyncio.timeout(seconds):
                received = [body async for body in bodies]
        except TimeoutError:
            raise BodyTooSlow(f"the message did not arrive within {seconds:.0f} s") from None
        if not received:
            # gRPC has dropped what was too large, and told the caller so itself.
            raise BodyTooLarge(f"no message of at most {limit} bytes arrived")
        if len(received) > 1:
            raise InvalidRequest(f"{call.method} takes one message, not {len(received)}")
        if self._held + len(received[0]) > _BODIES * limit:
            raise Overloaded("too many large messages are being worked on; try again soon")
        call.bytes_in = len(received[0])
        self._held += call.bytes_in
        return received[0]

    async def _server_live(self, body: bytes, call: _Call) -> bytes:
        del body, call
        return _packed(messages.ServerLiveResponse(live=True))

    async def _server_ready(self, body: bytes, call: _Call) -> bytes:
        del body, call
        return _packed(messages.ServerReadyResponse(ready=self._plane.ready))

    async def _model_ready(self, body: bytes, call: _Call) -> bytes:
        del call
        request = _parsed(messages.ModelReadyRequest, body)
        find(self._plane.metadata, request.name, request.version)
        return _packed(messages.ModelReadyResponse(ready=self._plane.ready))

    async def _server_metadata(self, body: bytes, call: _Call) -> bytes:
        del body, call
        return _packed(
            messages.ServerMetadataResponse(name="modelpack", version=__version__, extensions=EXTENSIONS)
        )

    async def _model_metadata(self, body: bytes, call: _Call) -> bytes:
        del call
        request = _parsed(messages.ModelMetadataRequest, body)
        facts = facts_of(find(self._plane.metadata, request.name, request.version))
        answer = messages.ModelMetadataResponse(
            name=facts.name, versions=facts.versions, platform=facts.platform
        )
        for tensors, described in ((facts.inputs, answer.inputs), (facts.outputs, answer.outputs)):
            for one in tensors:
                _describe(one, described)
        return _packed(answer)

    async def _model_infer(self, body: bytes, call: _Call) -> bytes:
        codec = GrpcCodec(
            coerce=self._settings.coerce,
            depth_limit=self._settings.depth_limit,
            served=self._plane.metadata,
        )
        passage = None if call.trace is None else call.trace.passage
        answer = await self._plane.predict(body, codec, passage)
        call.rows, call.batch, call.engine = answer.rows, answer.batch, answer.engine
        return answer.body


def _log(error: Exception, call: _Call) -> None:
    """The caller is told little; the log has it all, under the same request id."""
    facts = {"request_id": call.request_id}
    if call.status is grpc.StatusCode.INTERNAL:
        logger.error("a request failed", exc_info=error, extra=facts)
    elif isinstance(error, PredictionFailed):
        logger.warning("the model refused its input", exc_info=error, extra=facts)


def _parsed(kind: Any, body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError:
        raise InvalidRequest(f"this is no {shorten(kind.DESCRIPTOR.name, 60)}") from None


def _packed(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _describe(facts: TensorFacts, described: Any) -> None:
    described.add(name=facts.name, datatype=facts.datatype, shape=facts.shape)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
