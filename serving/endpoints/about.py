"""What is served here: the version, the OpenAPI document, and a page for people."""

import base64
import hashlib

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from modelpack._version import __version__
from serving import contract
from serving.dataplane import DataPlane
from serving.endpoints import page
from serving.openapi import document


class About:
    """Describes the model of *plane*, anew for each question: models may change."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def version(self, request: Request) -> Response:
        """The version of this toolkit, as bare text, as MLflow 3.17 answers with its own."""
        del request
        return PlainTextResponse(__version__)

    async def openapi(self, request: Request) -> Response:
        """OpenAPI 3.1, made from the signature of the model."""
        del request
        return Response(orjson.dumps(document(self._plane.metadata)), media_type=contract.JSON)

    async def docs(self, request: Request) -> Response:
        """One page that holds all it needs: nothing is fetched from anywhere."""
        del request
        html = page.render(self._plane.metadata)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# The page's own style and script are allowed by their digests; nothing else may load, run or frame it.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_digest(page.STYLE)}",
        f"script-src {_digest(page.SCRIPT)}",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
