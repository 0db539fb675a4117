"""Forms that people send from our pages, and from nobody else's."""

import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from modelpack.tracking.server.errors import Forbidden, TooLarge
from modelpack.tracking.server.refusals import BadRequest, UnsupportedMedia

COOKIE: Final = "modelpack_form"
FIELD: Final = "form_token"
LARGEST: Final = 1 << 20
"""Bytes of a form."""
MOST_FIELDS: Final = 2_000

_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)


def known_token(cookies: Mapping[str, str]) -> str | None:
    """The token that this browser was given for its forms; None where it was not, or sends another thing."""
    token = cookies.get(COOKIE, "")
    return token if _TOKEN.fullmatch(token) else None


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields that were sent. No forms in several parts are read: nothing here takes a file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("a page takes forms as application/x-www-form-urlencoded, and nothing else")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise TooLarge(f"a form holds at most {LARGEST >> 20} MiB")
    try:
        return parse_qs(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadRequest(f"a form has at most {MOST_FIELDS} fields") from error


def require_own(request: Request, form: Mapping[str, list[str]]) -> None:
    """Raise Forbidden unless a page of this server sent *form*, as its browser says, and its token agrees."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        raise Forbidden("a page of another site sent this form; open the page here, and send it from there")
    if origin is None or not _is_here(origin, request):
        raise Forbidden("a browser did not say that this form comes from a page here; open the page, and try")
    token = known_token(request.cookies) or ""
    sent = next(iter(form.get(FIELD, ())), "")
    if not token or not hmac.compare_digest(token.encode(), sent.encode()):
        raise Forbidden("this form is too old, or cookies are off; open the page again, and send it")


def _is_here(origin: str, request: Request) -> bool:
    # Not the scheme: what stands before this server may speak https, and pass on http.
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == request.headers.get("host")
