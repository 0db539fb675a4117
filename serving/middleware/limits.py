"""How large a body may be, how slow, and how it may be packed."""

import asyncio
import time
import zlib
from collections.abc import Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import (
    BodyTooLarge,
    BodyTooSlow,
    ClientGone,
    InvalidRequest,
    Overloaded,
    UnsupportedEncoding,
)
from serving.middleware.state import header

_SLOWEST = 1024
"""Bytes a second that a body may fall to once its time is over."""

_BODIES = 4
"""How many bodies of the largest size a process holds at one time."""

_STEP = 1 << 20


class Limits:
    """Hands bodies on in plain, and no more of them than *size* bytes.

    A body has *seconds* and one more for each KiB. All bodies together may hold four times *size*: callers
    that send large bodies slowly cost them, not memory.
    """

    def __init__(self, app: ASGIApp, *, size: int, seconds: float) -> None:
        self._app = app
        self._size = size
        self._seconds = seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, self)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._held -= body.held

    @property
    def size(self) -> int:
        return self._size

    @property
    def seconds(self) -> float:
        return self._seconds

    def hold(self, count: int) -> None:
        """Account for *count* more bytes in memory; raises Overloaded when there are too many."""
        if self._held + count > _BODIES * self._size:
            raise Overloaded("too many large bodies are on their way in; try again soon")
        self._held += count


class _Body:
    """One request's body on its way in."""

    def __init__(self, scope: Scope, receive: Receive, limits: Limits) -> None:
        self._scope = scope
        self._receive = receive
        self._limits = limits
        self._begun: float | None = None
        self._raw = 0
        self._plain = 0
        self._inflater: _Inflater | None = None
        self.held = 0

    async def receive(self) -> Message:
        """The next plain piece. The head is judged only when the body is asked for."""
        if self._begun is None:
            self._begun = time.monotonic()
            self._judge_head()
        message = await self._next()
        if message["type"] != "http.request":
            raise ClientGone("the caller hung up")
        piece, more = message.get("body", b""), message.get("more_body", False)
        self._raw += len(piece)
        if self._raw > self._limits.size:
            raise self._too_large()
        if self._inflater is None:
            self._take(len(piece))
            return message
        return await self._inflate(self._inflater, piece, more)

    def _judge_head(self) -> None:
        lengths = header(self._scope, b"content-length")
        if lengths and int(lengths[0]) > self._limits.size:
            raise self._too_large()
        encodings = [
            word.strip().lower()
            for value in header(self._scope, b"content-encoding")
            for word in value.decode("latin-1").split(",")
        ]
        packed = [word for word in encodings if word not in {"", "identity"}]
        if packed not in ([], ["gzip"], ["x-gzip"]):
            raise UnsupportedEncoding("send the body as it is, or packed once with gzip")
        if packed:
            self._inflater = _Inflater()

    async def _next(self) -> Message:
        allowed = self._limits.seconds + self._raw / _SLOWEST
        left = (self._begun or 0.0) + allowed - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                return await self._receive()
        except TimeoutError:
            raise BodyTooSlow(f"the body did not arrive within {allowed:.0f} s") from None

    async def _inflate(self, inflater: "_Inflater", piece: bytes, more: bool) -> Message:
        plain = bytearray()
        for part in inflater.parts(piece):
            self._take(len(part))
            plain += part
            # Unpacking keeps the processor; others may go between two steps.
            await asyncio.sleep(0)
        if not more and not inflater.complete:
            raise InvalidRequest("the gzip body ends too early")
        return {"type": "http.request", "body": bytes(plain), "more_body": more}

    def _take(self, count: int) -> None:
        self._plain += count
        if self._plain > self._limits.size:
            raise self._too_large()
        self._limits.hold(count)
        self.held += count

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body is larger than {self._limits.size} bytes; send fewer rows at a time")


class _Inflater:
    """Undoes gzip, step by step; a body may be several gzip members on end (RFC 1952 section 2.2)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    @property
    def complete(self) -> bool:
        return self._member.eof or not self._begun

    def parts(self, piece: bytes) -> Iterator[bytes]:
        """The plain bytes of *piece* in steps of at most a MiB; raises InvalidRequest."""
        while piece:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                yield self._member.decompress(piece, _STEP)
            except zlib.error:
                raise InvalidRequest("the body is not gzip, though Content-Encoding says so") from None
            piece = self._member.unconsumed_tail or self._member.unused_data
