"""``POST /invocations``: MLflow's scoring protocol."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from serving import contract
from serving.codecs import Codec, is_quick
from serving.codecs._accept import prefers
from serving.codecs.arrow import STREAM, ArrowAnswer
from serving.dataplane import DataPlane
from serving.endpoints._body import whole
from serving.errors import UnsupportedMedia
from serving.middleware.state import exchange_of, header

_CHARSET = re.compile(r'charset=("?)utf-?8\1', re.IGNORECASE)


class Invocations:
    """Answers predictions of *plane*, with the codec that the body's media type asks for."""

    def __init__(self, plane: DataPlane, codecs: Mapping[str, Codec]) -> None:
        self._plane = plane
        self._codecs = codecs

    async def post(self, request: Request) -> Response:
        """``{"predictions": …}`` for the rows in the body; an Arrow stream where ``Accept`` asks for it."""
        codec, media_type = self._codec(request), contract.JSON
        if prefers(STREAM, header(request.scope, b"accept")):
            codec, media_type = ArrowAnswer(codec), STREAM
        # Before the body is read: there is no use in taking in what cannot be worked on.
        self._plane.require_room()
        body = await whole(request.receive)
        exchange = exchange_of(request.scope)
        answer = await self._plane.predict(body, codec, exchange.passage)
        exchange.rows, exchange.batch, exchange.engine = answer.rows, answer.batch, answer.engine
        if is_quick(codec):
            exchange.codec = codec
        return Response(answer.body, media_type=media_type)

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
