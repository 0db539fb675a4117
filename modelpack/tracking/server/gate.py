"""Who may come in: nobody without a token, where tokens are asked for, but to the few open paths."""

import base64
import binascii
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from anyio import to_thread
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpack.tracking.server import sessions
from modelpack.tracking.server.call import Caller
from modelpack.tracking.server.exchange import exchange_of, header
from modelpack.tracking.server.refusals import TooManyAttempts, Unauthenticated
from modelpack.tracking.server.tokens import Tokens

Check = Callable[[str], Caller | None]
"""Whose token this is; None for nobody's."""

_PER_MINUTE: Final = 30
_MOST_ADDRESSES: Final = 10_000
_LONGEST: Final = 4_096
"""Characters of an Authorization header."""


class Gate:
    """Lets those pass whom *check* knows by their token, and everybody to *open_paths*; the rest gets 401.

    It stands before all routes, those of later versions and those that do not exist. Without a *check*
    everybody passes. Where there are *pages*, a browser may bring its token in a cookie, to them alone; one
    without is led to where it can sign in.
    """

    def __init__(
        self, app: ASGIApp, open_paths: Collection[str], check: Check | None, *, pages: bool = False
    ) -> None:
        self._app, self._open_paths, self._check, self._pages = app, open_paths, check, pages
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            if self._check is None:
                exchange.caller = Caller()
            elif self._is_open(scope["path"]):
                send = self._watched(scope, send)
            else:
                try:
                    exchange.caller = await self._admit(self._check, scope)
                except Unauthenticated:
                    address = sessions.login_address(scope) if self._pages else None
                    if address is None:
                        raise
                    await RedirectResponse(address, 303)(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open_paths or (self._pages and sessions.is_open(path))

    async def _admit(self, check: Check, scope: Scope) -> Caller:
        secret = secret_of(header(scope, b"authorization"))
        if secret is None and self._pages:
            secret = sessions.secret_of(scope["path"], header(scope, b"cookie"))
        if secret is None:
            raise Unauthenticated("this server asks for a token; MLFLOW_TRACKING_TOKEN is where clients look")
        # A right token always opens: behind a proxy all callers have one address, and a stranger among them
        # must not be able to lock out the rest. Nobody guesses 256 random bits.
        caller = await to_thread.run_sync(check, secret)
        if caller is None:
            self._attempts.add(_address(scope))
            raise Unauthenticated("the token is not known here, or no longer; ask who runs this server")
        return caller

    def _watched(self, scope: Scope, send: Send) -> Send:
        """*send*, which counts a token that a page for signing in has found to be wrong."""
        if scope["method"] != "POST" or scope["path"] in self._open_paths:
            return send
        address = _address(scope)
        self._attempts.require(address)

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                self._attempts.count(address)
            await send(message)

        return counting


def _address(scope: Scope) -> str:
    """The peer's: what it says about others, in X-Forwarded-For, anybody can say."""
    client = scope.get("client")
    return client[0] if client else ""


def admitting(tokens: Tokens) -> Check:
    """The callers that *tokens* knows."""

    def check(secret: str) -> Caller | None:
        token = tokens.check(secret)
        return None if token is None else Caller(token.user, token.scopes)

    return check


class Attempts:
    """Wrong tokens by address: so many a minute, told by *clock*, and not one more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._met: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def add(self, address: str) -> None:
        """Count one more. Raises TooManyAttempts when there were too many within a minute."""
        self.require(address)
        self.count(address)

    def count(self, address: str) -> None:
        """Count one more."""
        begun, count = self._since(address)
        self._met[address] = (begun, count + 1)
        self._met.move_to_end(address)
        if len(self._met) > _MOST_ADDRESSES:
            self._met.popitem(last=False)

    def require(self, address: str) -> None:
        """Raise TooManyAttempts when there were too many within a minute."""
        begun, count = self._since(address)
        if count >= _PER_MINUTE:
            seconds = max(1, round(begun + 60 - self._clock()))
            raise TooManyAttempts("too many wrong tokens from your address; wait a little", seconds=seconds)

    def _since(self, address: str) -> tuple[float, int]:
        """When the minute began, and how many there were in it."""
        instant = self._clock()
        begun, count = self._met.get(address, (instant, 0))
        return (instant, 0) if instant - begun >= 60 else (begun, count)


def secret_of(given: list[bytes]) -> str | None:
    """The token in an Authorization header: ``Bearer TOKEN``, or the password of ``Basic``."""
    if len(given) != 1 or len(given[0]) > _LONGEST:
        return None
    kind, _, rest = given[0].decode("latin-1").partition(" ")
    if kind.lower() == "bearer":
        return rest.strip() or None
    if kind.lower() != "basic":
        return None
    try:
        _, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password if colon and password else None
