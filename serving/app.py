"""The application: one table of routes, and what every request passes on its way to them."""

from typing import NoReturn

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from modelpack.addresses import is_loopback
from modelpack.logs import Lines
from serving import contract
from serving.codecs import by_media_type
from serving.dataplane import DataPlane
from serving.endpoints.about import About
from serving.endpoints.figures import Figures
from serving.endpoints.front import Front
from serving.endpoints.health import Health
from serving.endpoints.invocations import Invocations
from serving.endpoints.v2 import OpenInference
from serving.metrics import place_of
from serving.middleware.access_log import AccessLog
from serving.middleware.answers import Answers
from serving.middleware.farewell import Farewell
from serving.middleware.hosts import LOOPBACK_NAMES, Hosts
from serving.middleware.limits import Limits
from serving.middleware.request_id import RequestId
from serving.middleware.state import exchange_of
from serving.middleware.traced import Traced
from serving.settings import Settings
from serving.standing import Standings, ask_registry
from serving.tracing import Tracing


def create_app(
    plane: DataPlane, settings: Settings, lines: Lines, tracing: Tracing | None = None
) -> Starlette:
    """The ASGI application that answers for *plane*; a line for each request goes to *lines*.

    With *tracing* requests are followed.
    """
    codecs = by_media_type(coerce=settings.coerce, depth_limit=settings.depth_limit)
    invocations, health, about = Invocations(plane, codecs), Health(plane), About(plane)
    standings = Standings(ask_registry if tracing is None else tracing.asking(ask_registry))
    front = () if settings.no_page else Front(plane, standings).routes()
    app = Starlette(
        routes=[
            Known(contract.INVOCATIONS, invocations.post, methods=["POST"]),
            Known(contract.PING, health.alive),
            Known(contract.HEALTH, health.alive),
            Known(contract.READY, health.ready),
            Known(contract.VERSION, about.version),
            Known(contract.OPENAPI, about.openapi),
            Known(contract.DOCS, about.docs),
            Known(contract.METRICS, Figures(plane, standings).metrics),
            *(
                Known(path, endpoint, methods=[method])
                for path, endpoint, method in (*front, *OpenInference(plane, settings).routes())
            ),
        ],
        # From the outside in.
        middleware=[
            Middleware(RequestId),
            *([] if tracing is None else [Middleware(Traced, tracing)]),
            Middleware(AccessLog, lines, plane.metrics),
            Middleware(Farewell, plane),
            Middleware(Answers, tuple(codecs)),
            Middleware(Hosts, allowed_names(settings)),
            Middleware(Limits, size=settings.body_limit, seconds=settings.body_timeout),
        ],
        exception_handlers={HTTPException: _hand_on},
    )
    # A path with a slash too many is another path, not a hint to send a body again.
    app.router.redirect_slashes = False
    return app


class Known(Route):
    """A route whose requests are counted under its path."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; also with 405, which is counted here, too."""
        exchange_of(scope).route = place_of(self.path)
        await super().handle(scope, receive, send)


def allowed_names(settings: Settings) -> tuple[str, ...]:
    """The names to answer to; none means any."""
    if settings.allowed_hosts:
        return settings.allowed_hosts
    return (*LOOPBACK_NAMES, settings.host) if is_loopback(settings.host) else ()


async def _hand_on(request: Request, error: Exception) -> NoReturn:
    """The router's own errors get the same body as all others, in serving.middleware.answers."""
    del request
    raise error
