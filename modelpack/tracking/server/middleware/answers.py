"""Whatever goes wrong inside, the caller gets an answer of the table in problems.py."""

import asyncio
import logging
import math
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.tracking.server.exchange import exchange_of, header
from modelpack.tracking.server.problems import Problem, problem_of
from modelpack.tracking.server.refusals import CallerGone, Leaving, TooSlow

logger = logging.getLogger(__name__)

_SMALL: Final = 1 << 16
_LINGERING_SECONDS: Final = 2.0
_LINGERING_BYTES: Final = 16 << 20


class Answers:
    """Turns errors into answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        talk = _Talk(scope, receive, send)
        try:
            await self._app(scope, talk.receive, talk.send)
        except CallerGone:
            return
        except asyncio.CancelledError:
            # The runner gives up waiting for what still runs; whoever asked should not be left without word.
            if talk.started:
                raise
            await talk.refuse(problem_of(Leaving("this server is shutting down; ask again")))
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                logger.exception("a request failed", extra={"request_id": exchange_of(scope).request_id})
            if talk.started:
                raise
            await talk.refuse(problem, waits=not isinstance(error, TooSlow))


class _Talk:
    """One request's two directions, and how far each has come."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.started = False
        self._heard_all = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._heard_all = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)

    async def refuse(self, problem: Problem, *, waits: bool = True) -> None:
        """Answer *problem*; then hear the sender out for a moment, if some of the body is still to come.

        Closing a socket with unread bytes resets it, and the sender would lose the answer with it.
        """
        body = problem.body(exchange_of(self._scope).request_id)
        length = self._length_to_come()
        # Whoever asks first whether to send the body will not send it now.
        unsent = bool(header(self._scope, b"expect"))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
        ]
        if problem.closes or length > _SMALL or (length and unsent):
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        if length and waits and not unsent:
            await self._hear_out()
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    def _length_to_come(self) -> float:
        """How much of the body is unread at most; 0 when nothing is."""
        if self._heard_all:
            return 0
        if header(self._scope, b"transfer-encoding"):
            return math.inf
        lengths = header(self._scope, b"content-length")
        return int(lengths[0]) if lengths and lengths[0].isdigit() else 0

    async def _hear_out(self) -> None:
        heard = 0
        try:
            async with asyncio.timeout(_LINGERING_SECONDS):
                while not self._heard_all and heard < _LINGERING_BYTES:
                    heard += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
