"""The files that pages are made with: one style, scripts, and what others wrote. They are read once."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "assets"

_TYPES: Final = {
    "style.css": "text/css; charset=utf-8",
    "addresses.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "vendor/uplot/uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "vendor/uplot/uPlot.min.css": "text/css; charset=utf-8",
    "vendor/uplot/LICENSE": "text/plain; charset=utf-8",
}
"""All that is handed out, and as what; nothing else in the folder is."""


@dataclass(frozen=True, slots=True)
class Asset:
    """*content* of the type *type_*; *tag* changes with it."""

    content: bytes
    type_: str
    tag: str


@lru_cache(maxsize=len(_TYPES))
def load(name: str) -> Asset | None:
    """The asset *name*; None where there is none."""
    if name not in _TYPES:
        return None
    content = (FOLDER / name).read_bytes()
    return Asset(content, _TYPES[name], hashlib.sha256(content).hexdigest()[:16])


def address(name: str) -> str:
    """Where pages find the asset *name*; another content has another address."""
    asset = load(name)
    if asset is None:
        raise LookupError(name)
    return f"/assets/{name}?{asset.tag}"


async def serve(request: Request) -> Response:
    """Hand out an asset; browsers may keep it for good under an address that names its content."""
    asset = load(request.path_params["name"])
    if asset is None:
        return Response("there is no such file here", 404, media_type="text/plain")
    headers = {
        "ETag": f'"{asset.tag}"',
        "Cache-Control": "public, max-age=31536000, immutable"
        if request.url.query == asset.tag
        else "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=asset.type_)
