"""The names that this server answers to."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import HostRefused, InvalidRequest
from serving.middleware.state import header

HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Hosts:
    """Refuses requests for other names than *names*; without any, every well-formed name will do.

    A page on the web can point a name of its own at 127.0.0.1 and let a browser ask there; what gives it away
    is the Host header.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._check(header(scope, b"host"), scope["http_version"])
        await self._app(scope, receive, send)

    def _check(self, given: list[bytes], http_version: str) -> None:
        if not given and http_version == "1.0":
            return  # the header came with HTTP/1.1, and no browser speaks less
        match = HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            raise InvalidRequest("a request must have one Host header: a name or address, and a port")
        if self._names and match[1].decode().lower() not in self._names:
            raise HostRefused("this server does not answer to that name; --allowed-host adds one")
