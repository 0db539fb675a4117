"""A request is followed from here on, if an operator wants traces."""

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.middleware.state import exchange_of
from serving.tracing import Tracing


class Traced:
    """Begins a trace for requests that *tracing* follows, and ends it once the line about it is written."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        subject = self._tracing.http(scope) if scope["type"] == "http" else None
        if subject is None:
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        exchange.trace = trace = self._tracing.begin(subject, exchange.started)
        exchange.subject = subject
        try:
            with self._tracing.inside(trace):
                await self._app(scope, receive, send)
        finally:
            self._tracing.end(trace, exchange)
