"""The pages that may ask a server through somebody's browser."""

import re
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.tracking.server.exchange import header
from modelpack.tracking.server.refusals import Elsewhere

_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
)
_OWN = re.compile(rb"https?://(.+)")


class Origins:
    """Refuses what a page of another site asks for; pages of *allowed* origins may ask, and read the answer.

    Browsers say whose page asks in Origin, and in Sec-Fetch-Site where there is no Origin; programs say
    nothing. Following a link to here is no such question.
    """

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(one.lower().rstrip("/").encode() for one in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"origin")
        if not given:
            if _is_from_elsewhere(scope):
                raise Elsewhere("a page of another site may not ask here")
            await self._app(scope, receive, send)
            return
        origin = given[0].lower()
        if len(given) == 1 and _is_own(scope, origin):
            await self._app(scope, receive, send)
            return
        if len(given) > 1 or origin not in self._allowed:
            raise Elsewhere("a page of that origin may not ask here; --cors-allowed-origins adds one")
        await self._answer(origin, scope, receive, send)

    async def _answer(self, origin: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        shared = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            await send({"type": "http.response.start", "status": 204, "headers": [*shared, *_PREFLIGHT]})
            await send({"type": "http.response.body", "body": b""})
            return

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *shared]}
            await send(message)

        await self._app(scope, receive, readable)


def _is_own(scope: Scope, origin: bytes) -> bool:
    hosts = header(scope, b"host")
    match = _OWN.fullmatch(origin)
    return match is not None and len(hosts) == 1 and match[1] == hosts[0].lower()


def _is_from_elsewhere(scope: Scope) -> bool:
    if header(scope, b"sec-fetch-site") not in ([b"cross-site"], [b"same-site"]):
        return False
    is_link = header(scope, b"sec-fetch-mode") == [b"navigate"] and scope["method"] in ("GET", "HEAD")
    return not is_link
