"""Bodies on their way in: how large they may be, how slow, and of what kind."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import Request

from modelpack.tracking.server.errors import TooLarge
from modelpack.tracking.server.exchange import header
from modelpack.tracking.server.refusals import BadRequest, CallerGone, TooSlow, UnsupportedMedia

SECONDS: Final = 30.0
"""For a body to arrive, and one more for each SLOWEST bytes of it."""
SLOWEST: Final = 1_024
"""Bytes a second that a body may fall to once its time is over."""

_MEDIA_TYPE = re.compile(rb"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}")


async def pieces(request: Request, *, limit: int, seconds: float = SECONDS) -> AsyncIterator[bytes]:
    """The body of *request*, piece by piece, at most *limit* bytes of it; 0 for any number.

    Raises TooLarge, as soon as it is known, and TooSlow.
    """
    if limit and _declared(request) > limit:
        raise _too_large(limit)
    begun, met, more = time.monotonic(), 0, True
    while more:
        left = begun + seconds + met / SLOWEST - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                message = await request.receive()
        except TimeoutError:
            raise TooSlow("the body did not arrive in its time") from None
        if message["type"] != "http.request":
            raise CallerGone("the caller hung up")
        piece, more = message.get("body", b""), message.get("more_body", False)
        met += len(piece)
        if limit and met > limit:
            raise _too_large(limit)
        if piece:
            yield piece


async def read_json(request: Request, *, limit: int) -> bytes:
    """The body of *request*, which must say that it is JSON, or be empty.

    Raises what pieces() raises, and BadRequest or UnsupportedMedia for what is said to be something else.
    """
    if header(request.scope, b"content-encoding") not in ([], [b"identity"]):
        raise UnsupportedMedia("send the body as it is: it is not unpacked here")
    _require_json(header(request.scope, b"content-type"))
    body = b"".join([piece async for piece in pieces(request, limit=limit)])
    if body and not header(request.scope, b"content-type"):
        raise BadRequest("Bad Request. Content-Type header is missing; it must be application/json.")
    return body


def _require_json(given: list[bytes]) -> None:
    if not given:
        return
    kind = given[0].split(b";")[0].strip().lower()
    if kind == b"application/json" and len(given) == 1:
        return
    if kind.startswith(b"multipart/") or not _MEDIA_TYPE.fullmatch(kind):
        raise UnsupportedMedia("the body must be of the content type application/json")
    raise BadRequest("Bad Request. Content-Type must be one of ['application/json'].")


def _declared(request: Request) -> int:
    lengths: list[Any] = header(request.scope, b"content-length")
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes; send less at a time")
