"""``/v2``: the Open Inference Protocol over HTTP, with the binary tensor data extension."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response

from modelpack._version import __version__
from serving import contract
from serving.codecs._v2_facts import EXTENSIONS, TensorFacts, facts_of, find
from serving.codecs.v2 import V2Codec
from serving.dataplane import DataPlane, Stage
from serving.endpoints._body import whole
from serving.errors import InvalidRequest, Leaving, UnsupportedMedia
from serving.middleware.state import exchange_of, header
from serving.models import Served
from serving.settings import Settings

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_HEADER_LENGTH = "Inference-Header-Content-Length"
_DIGITS = re.compile(rb"[0-9]{1,12}")
_CHARSET = re.compile(rb'charset=("?)utf-?8\1', re.IGNORECASE)
_MEDIA_TYPES = tuple(media_type.encode() for media_type in V2Codec.media_types)


class OpenInference:
    """Answers for *plane* to clients of Triton, KServe and MLServer."""

    def __init__(self, plane: DataPlane, settings: Settings) -> None:
        self._plane = plane
        self._settings = settings

    def routes(self) -> "list[tuple[str, Endpoint, str]]":
        """The protocol's paths, each with its method; a model has its own with and without its version."""
        model = f"{contract.V2}/models/{{model}}"
        own = [
            (f"{place}{path}", endpoint, method)
            for place in (model, f"{model}/versions/{{version}}")
            for path, endpoint, method in (
                ("", self.model, "GET"),
                ("/ready", self.model_ready, "GET"),
                ("/infer", self.infer, "POST"),
            )
        ]
        return [
            (contract.V2, self.server, "GET"),
            (f"{contract.V2}/health/live", self.live, "GET"),
            (f"{contract.V2}/health/ready", self.ready, "GET"),
            *own,
        ]

    async def server(self, request: Request) -> Response:
        """What this server is, and which extensions of the protocol it has."""
        del request
        return _json({"name": "modelpack", "version": __version__, "extensions": EXTENSIONS})

    async def live(self, request: Request) -> Response:
        """200: the process listens."""
        del request
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        """200 while callers should come here; raises Unavailable otherwise."""
        del request
        self._require_ready()
        return _json({"ready": True})

    async def model_ready(self, request: Request) -> Response:
        """The same, of the one model; raises UnknownModel for another."""
        served = self._find(request)
        self._require_ready()
        return _json({"name": served.source.name, "ready": True})

    async def model(self, request: Request) -> Response:
        """The model's tensors; raises UnknownModel and NoModel."""
        facts = facts_of(self._find(request))
        return _json(
            {
                "name": facts.name,
                "versions": facts.versions,
                "platform": facts.platform,
                "inputs": [_tensor(one) for one in facts.inputs],
                "outputs": [_tensor(one) for one in facts.outputs],
                "parameters": {"content_type": facts.content_type} if facts.content_type else {},
            }
        )

    async def infer(self, request: Request) -> Response:
        """Predictions for the tensors in the body."""
        self._find(request)
        _check_media_type(request)
        header_length = _header_length(request)
        # Before the body is read: there is no use in taking in what cannot be worked on.
        self._plane.require_room()
        body = await whole(request.receive)
        source = self._find(request).source
        codec = V2Codec(
            coerce=self._settings.coerce,
            depth_limit=self._settings.depth_limit,
            model=source.name,
            version=source.version,
            header_length=header_length,
        )
        exchange = exchange_of(request.scope)
        answer = await self._plane.predict(body, codec, exchange.passage)
        exchange.rows, exchange.batch, exchange.engine = answer.rows, answer.batch, answer.engine
        if codec.answer_header_length is None:
            return Response(answer.body, media_type=contract.JSON)
        headers = {_HEADER_LENGTH: str(codec.answer_header_length)}
        return Response(answer.body, headers=headers, media_type="application/octet-stream")

    def _find(self, request: Request) -> Served:
        path = request.path_params
        return find(self._plane.metadata, path["model"], path.get("version", ""))

    def _require_ready(self) -> None:
        if self._plane.stage is not Stage.SERVING:
            raise Leaving("this server is shutting down; ask another one")
        _ = self._plane.metadata


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type=contract.JSON)


def _tensor(facts: TensorFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "datatype": facts.datatype,
        "shape": facts.shape,
        "parameters": {"content_type": facts.content_type},
    }


def _check_media_type(request: Request) -> None:
    """Clients of the protocol often do not say what they send; what some say must be so."""
    given = header(request.scope, b"content-type")
    if not given:
        return
    media_type, *parameters = (part.strip() for part in given[0].split(b";"))
    plain = all(not part or _CHARSET.fullmatch(part) for part in parameters)
    if len(given) > 1 or not plain or media_type.lower() not in _MEDIA_TYPES:
        known = V2Codec.media_types
        raise UnsupportedMedia(f"send the body as {' or '.join(known)}", accept=known)


def _header_length(request: Request) -> int | None:
    given = header(request.scope, _HEADER_LENGTH.lower().encode())
    if not given:
        return None
    if len(given) > 1 or not _DIGITS.fullmatch(given[0]):
        raise InvalidRequest(f"{_HEADER_LENGTH} must be one whole number of bytes")
    return int(given[0])
