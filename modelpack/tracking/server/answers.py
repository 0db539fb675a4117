"""Files as answers: attachments that no browser runs, whole or one range of them."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from modelpack.tracking.server.roots import Facts, Opened

_TEXT: Final = re.compile(
    r"MLmodel|MLproject|.*\.(txt|log|json|ya?ml|md|[ct]sv|py|html?|js|css|xml|svg|cfg|conf|ini|toml)",
    re.DOTALL,
)
"""Names of files that are told to be text; any other is a stream of bytes."""
_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,20})-(\d{0,20})[ \t]*", re.ASCII)
_CAREFUL: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-cache",
}


@dataclass(frozen=True, slots=True)
class Part:
    """*length* bytes from *start* on; both 0 for a range that there is none of."""

    start: int
    length: int


def file_answer(request: Request, path: str, opened: Opened) -> Response:
    """The file *opened*, which is called *path*, as far as *request* asks for it; closes it at the end.

    One range is answered with that part. Several at once are answered whole, as a server may: nobody here
    asks for them but to keep it busy.
    """
    facts = opened.facts
    headers = _headers(path, facts)
    if _has(request, headers["ETag"]):
        opened.close()
        return Response(
            status_code=304, headers={name: headers[name] for name in headers if name != "Content-Type"}
        )
    part = _part(request, facts, headers)
    if part is None:
        status, part = 200, Part(0, facts.size)
    elif part.length == 0:
        opened.close()
        return Response(status_code=416, headers=_CAREFUL | {"Content-Range": f"bytes */{facts.size}"})
    else:
        status = 206
        headers["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{facts.size}"
    headers["Content-Length"] = str(part.length)
    if request.method == "HEAD":
        opened.close()
        return Response(status_code=status, headers=headers)
    return _Sending(opened, part, status, headers)


class _Sending(StreamingResponse):
    """Sends a part of *opened*, and closes it also when its caller hangs up."""

    def __init__(self, opened: Opened, part: Part, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(opened.chunks(part.start, part.length), status_code=status, headers=headers)
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with closing(self._opened):
            await super().__call__(scope, receive, send)


def _headers(path: str, facts: Facts) -> dict[str, str]:
    name = path.rpartition("/")[2]
    kind = "text/plain; charset=utf-8" if _TEXT.fullmatch(name) else "application/octet-stream"
    tag = hashlib.sha256(facts.tag.encode()).hexdigest()[:32]
    # The quoted form alone: it is read by all, and holds nothing that could end it early.
    told: dict[str, str] = {
        "Content-Type": kind,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "ETag": f'"{tag}"',
        "Accept-Ranges": "bytes",
    }
    if facts.modified:
        told["Last-Modified"] = formatdate(facts.modified, usegmt=True)
    return {**_CAREFUL, **told}


def _has(request: Request, tag: str) -> bool:
    """Whether the caller says that it has what bears *tag*."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(",", 100))


def _part(request: Request, facts: Facts, headers: Mapping[str, str]) -> Part | None:
    """The one range that *request* asks for; None for the whole file."""
    condition = request.headers.get("if-range")
    if condition is not None and condition not in (headers["ETag"], headers.get("Last-Modified")):
        return None
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or not any(found.groups()):
        return None
    first, last = found[1], found[2]
    if not first:
        length = min(int(last), facts.size)
        return Part(facts.size - length, length)
    start, end = int(first), min(int(last) if last else facts.size - 1, facts.size - 1)
    return Part(start, end - start + 1) if start <= end else Part(0, 0)
