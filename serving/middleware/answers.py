"""Whatever goes wrong inside, the caller gets an answer of the table in serving.problems."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.conversation import Conversation
from modelpack.errors import PredictionFailed
from serving.errors import BodyTooSlow, ClientGone, Leaving
from serving.middleware.state import Exchange, exchange_of
from serving.problems import Problem, is_fault, problem_of

logger = logging.getLogger(__name__)


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
            await conversation.refuse_for(problem_of(Leaving("this server is shutting down")))
        except Exception as error:
            log_failure(error, exchange_of(scope))
            if conversation.started:
                raise
            await conversation.refuse_for(
                problem_of(error, media_types=self._media_types), waits=not isinstance(error, BodyTooSlow)
            )


def log_failure(error: Exception, exchange: Exchange) -> None:
    """The caller is told little; the log has it all, under the same request id."""
    facts = {"request_id": exchange.request_id}
    if exchange.trace is not None:
        facts |= {"trace_id": exchange.trace.trace_id, "span_id": exchange.trace.span_id}
    if is_fault(error):
        logger.error("a request failed", exc_info=error, extra=facts)
    elif isinstance(error, PredictionFailed):
        logger.warning("the model refused its input", exc_info=error, extra=facts)


class _Conversation(Conversation):
    """One whose answers no browser takes for something else."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            nosniff = (b"x-content-type-options", b"nosniff")
            message = {**message, "headers": [*message["headers"], nosniff]}
        await super().send(message)

    async def refuse_for(self, problem: Problem, *, waits: bool = True) -> None:
        """Answer *problem*."""
        body = problem.body(exchange_of(self._scope).request_id, path=self._scope["path"])
        await self.refuse(problem.status, body, problem.headers, closes=problem.closes, waits=waits)
