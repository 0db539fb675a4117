"""Whatever goes wrong inside, the caller gets an answer of the table in serving.problems."""

import asyncio
import logging
import math

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.errors import PredictionFailed
from serving.errors import BodyTooSlow, ClientGone, Leaving
from serving.middleware.state import exchange_of, header
from serving.problems import Problem, is_fault, problem_of

logger = logging.getLogger(__name__)

_SMALL = 1 << 16
_LINGERING_SECONDS = 2.0
_LINGERING_BYTES = 16 << 20


class Answers:
    """Turns errors into answers. *media_types* are the ones to name when a body is of another kind."""

    def __init__(self, app: ASGIApp, media_types: tuple[str, ...]) -> None:
        self._app = app
        self._media_types = media_types

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        conversation = _Conversation(scope, receive, send)
        try:
            await self._app(scope, conversation.receive, conversation.send)
        except ClientGone:
            return
        except asyncio.CancelledError:
            # The runner gives up waiting for what still runs; whoever asked should not be left without word.
            if conversation.started:
                raise
            await conversation.refuse(problem_of(Leaving("this server is shutting down")))
        except Exception as error:
            log_failure(error, exchange_of(scope).request_id)
            if conversation.started:
                raise
            await conversation.refuse(
                problem_of(error, media_types=self._media_types), waits=not isinstance(error, BodyTooSlow)
            )


def log_failure(error: Exception, request_id: str) -> None:
    """The caller is told little; the log has it all, under the same request id."""
    facts = {"request_id": request_id}
    if is_fault(error):
        logger.error("a request failed", exc_info=error, extra=facts)
    elif isinstance(error, PredictionFailed):
        logger.warning("the model refused its input", exc_info=error, extra=facts)


class _Conversation:
    """One request's two directions, and how far each has come."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.started = False
        self._heard_all = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._heard_all = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        self.started = True
        if message["type"] == "http.response.start":
            nosniff = (b"x-content-type-options", b"nosniff")
            message = {**message, "headers": [*message["headers"], nosniff]}
        await self._send(message)

    async def refuse(self, problem: Problem, *, waits: bool = True) -> None:
        """Answer *problem*; then hear the sender out for a moment, if some of the body is still to come.

        Closing a socket with unread bytes resets it, and the sender would lose the answer with it.
        """
        body = problem.body(exchange_of(self._scope).request_id, path=self._scope["path"])
        length = self._length_to_come()
        # Whoever asks first whether to send the body will not send it now.
        unsent = bool(header(self._scope, b"expect"))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
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
        return int(lengths[0]) if lengths else 0

    async def _hear_out(self) -> None:
        heard = 0
        try:
            async with asyncio.timeout(_LINGERING_SECONDS):
                while not self._heard_all and heard < _LINGERING_BYTES:
                    heard += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
