"""A server on its way out ends every connection with the answer on it."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Farewell:
    """Adds ``Connection: close`` once *is_leaving*, so that callers turn to another server, or come again."""

    def __init__(self, app: ASGIApp, is_leaving: Callable[[], bool]) -> None:
        self._app, self._is_leaving = app, is_leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._is_leaving():
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, closing)
