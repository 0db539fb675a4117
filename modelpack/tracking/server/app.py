"""The application: one table of routes, and what every request passes on its way to them."""

from collections.abc import Callable, Iterator
from typing import Final, NoReturn

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute

from modelpack.logs import Lines
from modelpack.tracking import ui
from modelpack.tracking.server.call import Endpoint
from modelpack.tracking.server.counts import Counts
from modelpack.tracking.server.dispatch import guarded, opened, routes_of
from modelpack.tracking.server.gate import Check, Gate
from modelpack.tracking.server.middleware.answers import Answers
from modelpack.tracking.server.middleware.cautions import Cautions
from modelpack.tracking.server.middleware.farewell import Farewell
from modelpack.tracking.server.middleware.hosts import Hosts, known_names, takes_addresses
from modelpack.tracking.server.middleware.origins import Origins
from modelpack.tracking.server.middleware.record import Record
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.routes import (
    artifacts,
    experiments,
    info,
    logged,
    logged_models,
    metrics,
    model_versions,
    multipart,
    registered_models,
    run_artifacts,
    runs,
)

_CALLS: Final = (
    info,
    experiments,
    runs,
    logged,
    metrics,
    registered_models,
    model_versions,
    logged_models,
    run_artifacts,
)
"""Rooms whose calls are answered in JSON."""
_FILES: Final = (run_artifacts, artifacts, multipart)
"""Rooms that answer for themselves."""
_THREADS: Final = 32
"""Handlers at one time in a process; each may hold a connection to the database."""


def create_app(
    parts: Parts,
    *,
    check: Check | None = None,
    counts: Counts | None = None,
    lines: Lines | None = None,
    is_leaving: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The ASGI application over *parts*.

    With *check*, who asks needs a token. A line for each request goes to *lines*, and *counts* counts them.
    """
    settings = parts.settings
    counts = counts or Counts()
    app = Starlette(
        routes=list(_routes(parts, counts, is_leaving)),
        # From the outside in.
        middleware=[
            Middleware(Record, counts, lines),
            Middleware(Farewell, is_leaving),
            Middleware(Cautions),
            Middleware(Answers),
            Middleware(Hosts, known_names(settings), takes_addresses=takes_addresses(settings)),
            Middleware(Origins, settings.allowed_origins),
            Middleware(Gate, info.OPEN_PATHS, check, pages=settings.pages),
        ],
        exception_handlers={HTTPException: _hand_on},
    )
    # A path with a slash too many is another path, not a hint to send a body again.
    app.router.redirect_slashes = False
    return app


def endpoints() -> list[Endpoint]:
    """Everything that is answered in JSON."""
    return [one for room in _CALLS for one in room.ENDPOINTS]


def _routes(parts: Parts, counts: Counts, is_leaving: Callable[[], bool]) -> Iterator[BaseRoute]:
    for route in info.open_routes(parts, is_leaving):
        yield opened(route)
    yield guarded(info.metrics_route(counts))
    yield from routes_of(endpoints(), parts, CapacityLimiter(_THREADS))
    for room in _FILES:
        yield from map(guarded, room.routes(parts))
    if parts.settings.pages:
        # Each looks at its caller itself, and says no by a page.
        yield from map(opened, ui.routes(parts))


async def _hand_on(request: Request, error: Exception) -> NoReturn:
    """The router's own errors get the same body as all others, in middleware/answers.py."""
    del request
    raise error
