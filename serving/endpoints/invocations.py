"""``POST /invocations``: MLflow's scoring protocol."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from serving import contract
from serving.codecs import Codec
from serving.dataplane import DataPlane
from serving.errors import UnsupportedMedia
from serving.middleware.state import exchange_of, header

_CHARSET = re.compile(r'charset=("?)utf-?8\1', re.IGNORECASE)


class Invocations:
    """Answers predictions of *plane*, with the codec that the body's media type asks for."""

    def __init__(self, plane: DataPlane, codecs: Mapping[str, Codec]) -> None:
        self._plane = plane
        self._codecs = codecs

    async def post(self, request: Request) -> Response:
        """``{"predictions": …}`` for the rows in the body."""
        codec = self._codec(request)
        # Before the body is read: there is no use in taking in what cannot be worked on.
        self._plane.require_room()
        body = await _whole(request.receive)
        answer = await self._plane.predict(body, codec)
        exchange = exchange_of(request.scope)
        exchange.rows, exchange.codec = answer.rows, codec
        return Response(answer.body, media_type=contract.JSON)

    def _codec(self, request: Request) -> Codec:
        given = header(request.scope, b"content-type")
        if len(given) != 1:
            raise UnsupportedMedia("say what the body is with one Content-Type header")
        media_type, *parameters = (part.strip() for part in given[0].decode("latin-1").split(";"))
        if any(part and not _CHARSET.fullmatch(part) for part in parameters):
            raise UnsupportedMedia("the only parameter a Content-Type may have here is charset=utf-8")
        codec = self._codecs.get(media_type.lower())
        if codec is None:
            raise UnsupportedMedia(f"send the body as {' or '.join(self._codecs)}")
        return codec


async def _whole(receive: Receive) -> bytes:
    # One buffer: a body may come in a million pieces, and each of them would be an object.
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)
