"""Signing in with a token, once for a browser, and signing out."""

from typing import Final

from starlette.responses import Response

from modelpack.tracking.server.sessions import COOKIE, LIFETIME
from modelpack.tracking.server.tokens import Tokens
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.rendering import page, redirect


def show(ask: Ask) -> Response:
    """Ask for the token."""
    return page("login.html", ask, after=safe_place(ask.one("after")), wrong=False)


def sign_in(ask: Ask) -> Response:
    """Let the browser keep the token, if it is one; its own pages cannot read it, other sites not send it."""
    secret = ask.sent("secret").strip()
    after = safe_place(ask.sent("after"))
    token = Tokens(ask.parts.database).check(secret)
    if token is None:
        return page("login.html", ask, status=401, after=after, wrong=True)
    response = redirect(after)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=LIFETIME,
        httponly=True,
        samesite="strict",
        secure=ask.address.startswith("https:"),
    )
    return response


def sign_out(ask: Ask) -> Response:
    """Let the browser forget the token."""
    del ask
    response = redirect("/login")
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def safe_place(place: str) -> str:
    """*place*, if it is one of this server's; the front page for all else."""
    # A browser reads a backslash as a slash, and two slashes as another server.
    is_own = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if is_own and "\\" not in place and not place.startswith("/login") else "/"


PAGES: Final = (
    Page("GET", "/login", show, None),
    Page("POST", "/login", sign_in, None),
    Page("POST", "/logout", sign_out, None),
)
