"""Every request has a name, is counted, and leaves one line."""

import random
import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.errors import shorten
from modelpack.logs import Lines, as_line, now
from modelpack.tracking.server.counts import Counts
from modelpack.tracking.server.exchange import Exchange, begin, header

_NAME: Final = b"x-request-id"
_GRAMMAR = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_LONGEST_PATH: Final = 300
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Record:
    """Names a request by the caller's ``X-Request-Id``, where that keeps to a harmless grammar, or anew.

    What is known of it when it is over goes to *counts*, and as one line of JSON to *lines*.
    """

    def __init__(self, app: ASGIApp, counts: Counts, lines: Lines | None) -> None:
        self._app, self._counts, self._lines = app, counts, lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = begin(scope, _choose(header(scope, _NAME)))

        async def counted_in() -> Message:
            message = await receive()
            exchange.bytes_in += len(message.get("body", b""))
            return message

        async def counted_out(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message = {
                    **message,
                    "headers": [*message["headers"], (_NAME, exchange.request_id.encode())],
                }
            else:
                exchange.bytes_out += len(message.get("body", b""))
                if not message.get("more_body", False):
                    # Before the last byte leaves: who has the answer finds it counted.
                    over()
            await send(message)

        is_over = False

        def over() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._note(scope, exchange)

        with self._counts.running():
            try:
                await self._app(scope, counted_in, counted_out)
            finally:
                over()

    def _note(self, scope: Scope, exchange: Exchange) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        seconds = exchange.seconds()
        self._counts.add(
            method=method,
            route=exchange.route,
            status=exchange.status,
            seconds=seconds,
            bytes_in=exchange.bytes_in,
            bytes_out=exchange.bytes_out,
        )
        if self._lines is not None:
            self._lines.put(_line(method, scope, exchange, seconds))


def _line(method: str, scope: Scope, exchange: Exchange, seconds: float) -> str:
    client = scope.get("client")
    raw = scope.get("raw_path") or scope["path"].encode()
    return as_line(
        {
            "time": now(),
            "event": "request",
            "method": method,
            "path": shorten(raw.decode("latin-1"), _LONGEST_PATH),
            "route": exchange.route,
            "status": exchange.status,
            "ms": round(seconds * 1000, 3),
            "request_id": exchange.request_id,
            "user": exchange.caller.name,
            "client": client[0] if client else "",
            "bytes_in": exchange.bytes_in,
            "bytes_out": exchange.bytes_out,
        }
    )


def _choose(given: list[bytes]) -> str:
    if len(given) == 1 and _GRAMMAR.fullmatch(given[0]):
        return given[0].decode()
    return f"{random.getrandbits(128):032x}"
