"""Templates into pages: whatever is put into one is text, unless it was made here."""

import secrets
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from modelpack._version import __version__
from modelpack.report.numbers import number
from modelpack.tracking.ui import assets, telling
from modelpack.tracking.ui.asking import Ask

TEMPLATES: Final = Path(__file__).parent / "templates"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may do: nothing that its own server did not give it as a file."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not no-referrer: a browser would then send ``Origin: null`` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, compiled at first use."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "segment": telling.segment,
        "segments": telling.segments,
        "when": telling.when,
        "size": telling.size,
        "number": number,
        "text": telling.text,
        "visible": telling.visible,
        "python": repr,
        "shell": shlex.quote,
        "lines": telling.lines,
        "short": telling.short,
    }
    made.globals |= {"asset": assets.address, "lasting": telling.lasting, "release": __version__}
    return made


def page(template: str, ask: Ask, *, status: int = 200, **facts: Any) -> Response:
    """The page that *template* makes of *facts*, for who asked."""
    html = environment().get_template(template).render(ask=ask, now=ask.now, status=status, **facts)
    # Names of files may hold bytes that are no text.
    body = html.encode("utf-8", "replace")
    return Response(body, status, dict(HEADERS), media_type="text/html; charset=utf-8")


def redirect(address: str) -> Response:
    """Go on at *address*, a path of this server, by GET."""
    return Response(status_code=303, headers={**HEADERS, "Location": address})


def new_token() -> str:
    """A token for forms that nobody can guess."""
    return secrets.token_urlsafe(32)
