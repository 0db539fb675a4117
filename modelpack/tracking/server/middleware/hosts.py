"""The names that a server answers to."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from modelpack.addresses import is_loopback
from modelpack.tracking.server.exchange import header
from modelpack.tracking.server.refusals import BadRequest, Elsewhere
from modelpack.tracking.server.settings import ServerSettings

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
ANY: Final = "*"


class Hosts:
    """Refuses requests for other names than *names*: exact ones, ``*.example.com``, or ``*`` for all.

    With *takes_addresses*, a bare IP address will do, too. A page on the web can point a name of its own at
    an address of this network and let a browser ask there; what gives it away is the Host header, which holds
    its name and never an address.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], *, takes_addresses: bool) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._ends = tuple(name[1:] for name in self._names if name.startswith("*."))
        self._takes_addresses = takes_addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._check(header(scope, b"host"), scope["http_version"])
        await self._app(scope, receive, send)

    def _check(self, given: list[bytes], http_version: str) -> None:
        if not given and http_version == "1.0":
            return  # the header came with HTTP/1.1, and no browser speaks less
        match = _HOST.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        if match is None:
            raise BadRequest("a request must have one Host header: a name or address, and a port")
        if not self._is_known(match[1].lower()):
            raise Elsewhere("this server does not answer to that name; --allowed-hosts adds one")

    def _is_known(self, name: str) -> bool:
        if ANY in self._names or name in self._names or (self._ends and name.endswith(self._ends)):
            return True
        return self._takes_addresses and _is_address(name)


def known_names(settings: ServerSettings) -> tuple[str, ...]:
    """The names to answer to: those of *settings*, else this machine's own."""
    if settings.allowed_hosts:
        return settings.allowed_hosts
    own = (*_LOOPBACK, settings.host)
    return own if is_loopback(settings.host) else (*own, socket.gethostname(), socket.getfqdn())


def takes_addresses(settings: ServerSettings) -> bool:
    """Whether any address will do for a name: beyond loopback, unless the names are said."""
    return not settings.allowed_hosts and not is_loopback(settings.host)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
