"""One line of facts for each request."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.errors import shorten
from serving.logs import Lines, now, quoted
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
        started = time.perf_counter()

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
            self._lines.put(line_of(exchange, subject_of(scope["method"], path), started))


def subject_of(method: str, path: str) -> str:
    """The part of a line that says what was asked for."""
    return f'"event":"request","method":{quoted(method)},"path":{quoted(path)}'


def line_of(exchange: Exchange, subject: str, started: float) -> str:
    """The line of a request for *subject* that began at *started*, by ``time.perf_counter``."""
    # What callers choose is escaped; the rest is written in one go, for there is a line for each request.
    rows = "null" if exchange.rows is None else exchange.rows
    return (
        f'{{"time":"{now()}",{subject},"status":{exchange.status},'
        f'"ms":{(time.perf_counter() - started) * 1000:.3f},"request_id":{quoted(exchange.request_id)},'
        f'"rows":{rows},"bytes_in":{exchange.bytes_in},"bytes_out":{exchange.bytes_out}}}'
    )
