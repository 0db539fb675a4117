"""A server on its way out ends every connection with the answer on it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.dataplane import DataPlane, Stage


class Farewell:
    """Adds ``Connection: close`` once *plane* is leaving, so that callers turn to another server."""

    def __init__(self, app: ASGIApp, plane: DataPlane) -> None:
        self._app = app
        self._plane = plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._plane.stage is not Stage.SERVING:
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, closing)
