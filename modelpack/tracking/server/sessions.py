"""The token that a browser keeps: where it opens something, and where it does not."""

from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import quote

COOKIE: Final = "modelpack_session"
LIFETIME: Final = 12 * 3600
"""Seconds after which a browser forgets it."""

_ROOMS: Final = frozenset(
    {"experiments", "runs", "curves", "compare", "models", "logged-models", "login", "logout", "assets"}
)
_OPEN: Final = frozenset({"login", "logout", "assets"})
_LONGEST: Final = 8_192


def is_page(path: str) -> bool:
    """Whether *path* is one of the pages', and none of the API's: there a cookie opens nothing."""
    return path == "/" or path.split("/")[1] in _ROOMS


def is_open(path: str) -> bool:
    """Whether *path* is for those, too, who have not signed in."""
    return path.split("/")[1] in _OPEN if path.startswith("/") else False


def secret_of(path: str, cookies: list[bytes]) -> str | None:
    """The token in the Cookie headers of a request for the page *path*; None where there is none."""
    if not is_page(path) or sum(map(len, cookies)) > _LONGEST:
        return None
    try:
        jar: SimpleCookie = SimpleCookie(b"; ".join(cookies).decode("latin-1"))
    except CookieError:
        return None
    found = jar.get(COOKIE)
    return found.value if found and found.value else None


def login_address(scope: Any) -> str | None:
    """Where a browser is sent that asked for a page without a token; None for what is no page to look at."""
    if scope["method"] != "GET" or not is_page(scope["path"]):
        return None
    query = scope.get("query_string", b"").decode("latin-1")
    after = f"{scope['path']}?{query}" if query else scope["path"]
    return f"/login?after={quote(after, safe='/')}"
