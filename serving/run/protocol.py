"""HTTP connections that nobody can hold open for nothing: deadlines and bounds around uvicorn's protocol."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving.middleware.request_id import new_request_id
from serving.problems import Problem

logger = logging.getLogger(__name__)

_LONGEST_TARGET = 8 << 10
_LONGEST_HEAD = 64 << 10
_MOST_HEADERS = 100

_SLOWEST_READER = 1024
"""Bytes a second that a caller must take of an answer."""

_MALFORMED = Problem(400, "BAD_REQUEST", "this is not a well-formed HTTP request")
_TARGET_TOO_LONG = Problem(414, "BAD_REQUEST", f"the request target is longer than {_LONGEST_TARGET} bytes")
_HEAD_TOO_LARGE = Problem(
    431, "BAD_REQUEST", f"the head is larger than {_LONGEST_HEAD} bytes, or has over {_MOST_HEADERS} headers"
)
_HEAD_TOO_SLOW = Problem(408, "BAD_REQUEST", "the head of the request did not arrive in time")


class _Refused(Exception):
    """Ends the parsing of a request; the protocol knows with which answer."""


class Protocol(HttpToolsProtocol):
    """One connection: bounds on a request's head, and time limits for sending one and for taking an answer.

    uvicorn 0.54 has neither for its httptools parser: half a head is held for ever, and so is an answer that
    nobody reads. The time for a body belongs to the application, until it has answered.
    """

    header_seconds = 10.0
    stall_seconds = 30.0

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._refusal = _MALFORMED
        self._in_head = True
        """The bytes to come are those of a head, or of none yet."""
        self._begun = False
        """Some of them have come."""
        self._head_bytes = 0
        self._field_bytes = 0
        self._sender_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start the clock: a caller that connects has something to say."""
        super().connection_made(transport)
        self._watch_sender()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._unwatch_sender()
        self._unwatch_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless this is more head than any request needs."""
        if self._in_head or self._has_answered:
            self._watch_sender()
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A new request, perhaps behind another one in the same bytes."""
        self._begun = True
        self._field_bytes = 0
        self._watch_sender()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _LONGEST_TARGET:
            self._refusal = _TARGET_TOO_LONG
            raise _Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._field_bytes += len(name) + len(value)
        if len(self.headers) > _MOST_HEADERS or self._field_bytes > _LONGEST_HEAD:
            self._refusal = _HEAD_TOO_LARGE
            raise _Refused

    def on_headers_complete(self) -> None:
        self._in_head = self._begun = False
        self._head_bytes = 0
        self._unwatch_sender()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head:
            # Answered before all of it was heard: the rest has its time too.
            self._watch_sender()

    def timeout_keep_alive_handler(self) -> None:
        """uvicorn closes idle connections without a word; half a request is not idle."""
        if not self._begun:
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        """The caller takes its answer more slowly than it comes: watch that it takes it at all."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._unwatch_reader()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser gives up."""
        del msg
        self._refuse(self._refusal)

    def _unsupported_upgrade_warning(self) -> None:
        """Asking for another protocol is no event; the request is answered as it is."""

    def _refuse(self, problem: Problem) -> None:
        request_id = new_request_id()
        body = problem.body(request_id)
        head = [
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "x-content-type-options: nosniff",
            f"x-request-id: {request_id}",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()
        self.count_refusal(problem.status)
        logger.info(
            "a request was refused unread", extra={"status": problem.status, "request_id": request_id}
        )

    def count_refusal(self, status: int) -> None:
        """Called for each request that is refused unread; nothing is counted here."""

    @property
    def _exchange(self) -> RequestResponseCycle | None:
        """The request being answered, or answered last; uvicorn has None for it before the first one."""
        return self.cycle

    @property
    def _has_answered(self) -> bool:
        return self._exchange is not None and self._exchange.response_complete

    def _watch_sender(self) -> None:
        if self._sender_timer is None:
            self._sender_timer = self.loop.call_later(self.header_seconds, self._sender_is_late)

    def _unwatch_sender(self) -> None:
        if self._sender_timer is not None:
            self._sender_timer.cancel()
            self._sender_timer = None

    def _sender_is_late(self) -> None:
        self._sender_timer = None
        if self.transport.is_closing():
            return
        if self._exchange is not None and not self._has_answered:
            # An answer to what came before is on its way; nothing may be written into it.
            self._watch_sender()
        elif self._begun:
            self._refuse(_HEAD_TOO_SLOW)
        else:
            self.transport.close()

    def _watch_reader(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._reader_timer = self.loop.call_later(self.stall_seconds, self._reader_is_late, waiting)

    def _unwatch_reader(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _reader_is_late(self, waiting: int) -> None:
        taken = waiting - self.transport.get_write_buffer_size()
        if taken < self.stall_seconds * _SLOWEST_READER:
            self.transport.abort()
        else:
            self._watch_reader()
