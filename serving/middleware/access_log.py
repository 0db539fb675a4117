"""One line of facts for each request."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.errors import shorten
from modelpack.logs import Lines, instant, quoted
from serving.middleware.state import Exchange, exchange_of

_LONGEST_PATH = 300


class AccessLog:
    """Counts what goes in and out, and hands one JSON line to *lines* when it is over."""

    def __init__(self, app: ASGIApp, lines: Lines) -> None:
        self._app = app
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)

        async def counted_in() -> Message:
            message = await receive()
            exchange.bytes_in += len(message.get("body", b""))
            return message

        async def counted_out(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            else:
                exchange.bytes_out += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, counted_in, counted_out)
        finally:
            path = shorten(scope["raw_path"].decode("latin-1"), _LONGEST_PATH)
            self._lines.put(Line(exchange, subject_of(scope["method"], path)))


def subject_of(method: str, path: str) -> str:
    """The part of a line that says what was asked for."""
    return f'"event":"request","method":{quoted(method)},"path":{quoted(path)}'


class Line:
    """The line of a request for *subject* that is over now; its text is made when it is written."""

    __slots__ = ("_exchange", "_over", "_seconds", "_subject")

    def __init__(self, exchange: Exchange, subject: str) -> None:
        self._exchange = exchange
        self._subject = subject
        self._over = time.time()
        self._seconds = time.perf_counter() - exchange.started

    def __str__(self) -> str:
        # What callers choose is escaped; the rest is written in one go, for there is a line for each request.
        exchange = self._exchange
        rows = "null" if exchange.rows is None else exchange.rows
        return (
            f'{{"time":"{instant(self._over)}",{self._subject},"status":{exchange.status},'
            f'"ms":{self._seconds * 1000:.3f},"request_id":{quoted(exchange.request_id)},'
            f'"rows":{rows},"bytes_in":{exchange.bytes_in},"bytes_out":{exchange.bytes_out}}}'
        )
