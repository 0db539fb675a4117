"""One line of facts for each request."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.errors import shorten
from modelpack.logs import Lines, instant, quoted
from serving.metrics import Metrics
from serving.middleware.state import Exchange, exchange_of

_LONGEST_PATH = 300


class AccessLog:
    """Counts what goes in and out, tells *metrics*, and hands one JSON line to *lines* when it is over."""

    def __init__(self, app: ASGIApp, lines: Lines, metrics: Metrics) -> None:
        self._app = app
        self._lines = lines
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        self._metrics.entered()

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
            line = Line(exchange, subject_of(scope["method"], path))
            self._lines.put(line)
            self._metrics.answered(exchange.route, exchange.status, line.seconds, exchange.rows)
            self._metrics.left()


def subject_of(method: str, path: str) -> str:
    """The part of a line that says what was asked for."""
    return f'"event":"request","method":{quoted(method)},"path":{quoted(path)}'


class Line:
    """The line of a request for *subject* that is over now; its text is made when it is written."""

    __slots__ = ("_exchange", "_over", "_subject", "seconds")

    def __init__(self, exchange: Exchange, subject: str) -> None:
        self._exchange = exchange
        self._subject = subject
        self._over = time.time()
        self.seconds = time.perf_counter() - exchange.started

    def __str__(self) -> str:
        # What callers choose is escaped; the rest is written in one go, for there is a line for each request.
        exchange = self._exchange
        rows = "null" if exchange.rows is None else exchange.rows
        batch = "null" if exchange.batch is None else exchange.batch
        engine = "null" if exchange.engine is None else quoted(exchange.engine)
        trace = exchange.trace
        ids = "" if trace is None else f',"trace_id":"{trace.trace_id}","span_id":"{trace.span_id}"'
        return (
            f'{{"time":"{instant(self._over)}",{self._subject},"status":{exchange.status},'
            f'"ms":{self.seconds * 1000:.3f},"request_id":{quoted(exchange.request_id)},'
            f'"rows":{rows},"batch":{batch},"engine":{engine},"bytes_in":{exchange.bytes_in},"bytes_out":{exchange.bytes_out}{ids}}}'
        )
