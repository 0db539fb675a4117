"""Whatever goes wrong inside, the caller gets an answer of the table in problems.py."""

import asyncio
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from modelpack.conversation import Conversation
from modelpack.tracking.server.exchange import exchange_of
from modelpack.tracking.server.problems import Problem, problem_of
from modelpack.tracking.server.refusals import CallerGone, Leaving, TooSlow

logger = logging.getLogger(__name__)


class Answers:
    """Turns errors into answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        conversation = _Conversation(scope, receive, send)
        try:
            await self._app(scope, conversation.receive, conversation.send)
        except CallerGone:
            return
        except asyncio.CancelledError:
            # The runner gives up waiting for what still runs; whoever asked should not be left without word.
            if conversation.started:
                raise
            await conversation.refuse_for(problem_of(Leaving("this server is shutting down; ask again")))
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                logger.exception("a request failed", extra={"request_id": exchange_of(scope).request_id})
            if conversation.started:
                raise
            await conversation.refuse_for(problem, waits=not isinstance(error, TooSlow))


class _Conversation(Conversation):
    """One whose refusals nobody keeps."""

    async def refuse_for(self, problem: Problem, *, waits: bool = True) -> None:
        """Answer *problem*."""
        body = problem.body(exchange_of(self._scope).request_id)
        headers = {"Cache-Control": "no-store", **problem.headers}
        await self.refuse(problem.status, body, headers, closes=problem.closes, waits=waits)
