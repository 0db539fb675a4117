"""``GET /``: the page of the served model for people, and the files that it is made with."""

import asyncio
import hashlib
import logging
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from modelpack.directory import open_directory
from modelpack.engines.certificate import Certificate, certificate_of
from modelpack.errors import ModelpackError
from modelpack.report.page import BASE
from serving import contract, front
from serving.dataplane import DataPlane
from serving.endpoints.v2 import Endpoint
from serving.middleware.state import header
from serving.models import Served
from serving.standing import Standings

logger = logging.getLogger(__name__)

_FOLDER = Path(front.__file__).with_name("assets")
_TYPES = {
    "front.css": "text/css; charset=utf-8",
    "front.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""All that is handed out."""

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Front:
    """Shows the model of *plane*, and what *standings* know of it."""

    def __init__(self, plane: DataPlane, standings: Standings) -> None:
        self._plane = plane
        self._standings = standings
        self._certified: tuple[Served, Certificate | None] | None = None

    def routes(self) -> "list[tuple[str, Endpoint, str]]":
        """The paths, each with its method."""
        return [(contract.PAGE, self.page, "GET"), (contract.ASSETS, self.asset, "GET")]

    async def page(self, request: Request) -> Response:
        """The page; raises NoModel."""
        served = self._plane.metadata
        standing = self._standings.of(served.source)
        view = front.View(
            served=served,
            address=_address(request),
            tag=_tag(),
            standing=standing,
            certificate=await self._certificate(served),
        )
        return Response(front.render(view), media_type="text/html", headers=_HEADERS)

    async def _certificate(self, served: Served) -> Certificate | None:
        """Read once for each model: it may take digests of large files."""
        if self._certified is None or self._certified[0] is not served:
            self._certified = served, await asyncio.to_thread(_read_certificate, served)
        return self._certified[1]

    async def asset(self, request: Request) -> Response:
        """One of the files; under an address that names its content browsers may keep it for good."""
        name = request.path_params["name"]
        if name not in _TYPES:
            raise HTTPException(404)
        is_named = request.url.query == _tag()
        keep = "public, max-age=31536000, immutable" if is_named else "no-cache"
        return Response(_content(name), headers={"Content-Type": _TYPES[name], "Cache-Control": keep})


def _read_certificate(served: Served) -> Certificate | None:
    try:
        return certificate_of(open_directory(served.source.place))
    except (ModelpackError, OSError) as error:
        logger.warning("the certificate cannot be read", extra={"reason": str(error)})
        return None


@cache
def _content(name: str) -> bytes:
    begun = BASE.read_bytes() if name == "front.css" else b""
    return begun + (_FOLDER / name).read_bytes()


@cache
def _tag() -> str:
    return hashlib.sha256(b"".join(map(_content, _TYPES))).hexdigest()[:16]


def _address(request: Request) -> str:
    """As the caller has it; serving.middleware.hosts has held the name to a grammar."""
    hosts = header(request.scope, b"host")
    return f"{request.url.scheme}://{hosts[0].decode('latin-1') if hosts else 'localhost'}"
