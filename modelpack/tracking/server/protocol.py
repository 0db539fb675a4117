"""HTTP connections that nobody can hold open for nothing: bounds and deadlines around uvicorn's protocol."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from modelpack.tracking.server.problems import Problem

HEAD_SECONDS: Final = 10.0
"""For the head of a request to arrive."""
STALL_SECONDS: Final = 30.0
"""For a caller to take something of its answer."""

_LONGEST_TARGET: Final = 64 << 10
_LARGEST_HEAD: Final = 80 << 10
_MOST_HEADERS: Final = 100

_MALFORMED: Final = Problem(400, "BAD_REQUEST", "this is not a well-formed HTTP request")
_TOO_LONG: Final = Problem(414, "BAD_REQUEST", f"the target is longer than {_LONGEST_TARGET} bytes")
_TOO_LARGE: Final = Problem(
    431, "BAD_REQUEST", f"the head is larger than {_LARGEST_HEAD} bytes, or has over {_MOST_HEADERS} headers"
)
_TOO_SLOW: Final = Problem(408, "BAD_REQUEST", "the head of the request did not arrive in time")


class _Refused(Exception):
    """Ends the parsing of a request; the protocol knows with which answer."""


class Protocol(HttpToolsProtocol):
    """One connection. uvicorn 0.54 bounds neither a head nor its time, nor that of an answer nobody takes."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._refusal = _MALFORMED
        self._head_bytes = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start the clock: a caller that connects has something to say."""
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._unwatch_head()
        self._unwatch_answer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless this is more head than any request needs."""
        if self._in_head:
            self._head_bytes += len(data)
            self._watch_head()
        super().data_received(data)
        if self._in_head and self._head_bytes > _LARGEST_HEAD and not self.transport.is_closing():
            self._refuse(_TOO_LARGE)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _LONGEST_TARGET:
            self._refusal = _TOO_LONG
            raise _Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > _MOST_HEADERS:
            self._refusal = _TOO_LARGE
            raise _Refused

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        self._unwatch_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The caller takes its answer more slowly than it comes: watch that it takes it at all."""
        super().pause_writing()
        self._watch_answer()

    def resume_writing(self) -> None:
        self._unwatch_answer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser gives up."""
        del msg
        self._refuse(self._refusal)

    def _unsupported_upgrade_warning(self) -> None:
        """Asking for another protocol is no event; the request is answered as it is."""

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The request being answered, or answered last; uvicorn has None for it before the first one."""
        return self.cycle

    def _watch_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        cycle = self._cycle
        if self.transport.is_closing() or (cycle is not None and not cycle.response_complete):
            return
        if self._head_bytes:
            self._refuse(_TOO_SLOW)
        elif cycle is None:
            self.transport.close()  # it has said nothing yet; later, uvicorn's own clock for idle ones counts

    def _watch_answer(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(STALL_SECONDS, self._answer_is_late, waiting)

    def _answer_is_late(self, waiting: int) -> None:
        if self.transport.get_write_buffer_size() >= waiting:
            self.transport.abort()
        else:
            self._watch_answer()

    def _refuse(self, problem: Problem) -> None:
        body = problem.body("")
        head = [
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "x-content-type-options: nosniff",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _unwatch_answer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
