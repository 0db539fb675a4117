"""From an endpoint of the table to a route: read the body, ask the handler in a thread, write its answer."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from modelpack.errors import InvalidName
from modelpack.tracking.server.bodies import read_json
from modelpack.tracking.server.call import PREFIXES, Call, Caller, Endpoint, Scope
from modelpack.tracking.server.errors import Forbidden
from modelpack.tracking.server.exchange import exchange_of
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.refusals import BadRequest

_MOST_FIELDS: Final = 20_000
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_Answer = Callable[[Request], Awaitable[Response]]


def routes_of(endpoints: Iterable[Endpoint], parts: Parts, limiter: CapacityLimiter) -> list[Route]:
    """A route for each path of *endpoints*; their handlers run in threads of *limiter*."""
    there: dict[str, dict[str, _Answer]] = defaultdict(dict)
    for one in endpoints:
        answer = _answering(one, parts, limiter)
        for path in places(one):
            there[path][one.method] = answer
    return [Route(path, _by_method(path, answers), methods=list(answers)) for path, answers in there.items()]


def places(endpoint: Endpoint) -> list[str]:
    """Every path of *endpoint*."""
    if endpoint.path.startswith("/"):
        return [endpoint.path]
    return [prefix + endpoint.path for prefix in PREFIXES]


def guarded(route: BaseRoute) -> BaseRoute:
    """*route*, which answers for itself, for those who may: reading takes ``read``, all else ``write``."""
    inner: Any = route
    inner.app = _Named(inner.app, inner.path, is_open=False)
    return route


def opened(route: BaseRoute) -> BaseRoute:
    """*route*, for everybody."""
    inner: Any = route
    inner.app = _Named(inner.app, inner.path, is_open=True)
    return route


def require(caller: Caller, scope: Scope) -> None:
    """Raise Forbidden unless *caller* may do *scope*."""
    if scope not in caller.scopes:
        raise Forbidden(f"this token does not allow to {scope}; ask who runs this server for one that does")


class _Named:
    """What a route that answers for itself has before it."""

    def __init__(self, app: ASGIApp, path: str, *, is_open: bool) -> None:
        self._app, self._path, self._is_open = app, path, is_open

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.route = self._path
        if not self._is_open:
            require(exchange.caller, "read" if scope["method"] in _READING else "write")
        await self._app(scope, receive, send)


def _by_method(path: str, answers: Mapping[str, _Answer]) -> _Answer:
    async def answer(request: Request) -> Response:
        exchange_of(request.scope).route = path
        return await answers["GET" if request.method == "HEAD" else request.method](request)

    return answer


def _answering(endpoint: Endpoint, parts: Parts, limiter: CapacityLimiter) -> _Answer:
    async def answer(request: Request) -> Response:
        caller = exchange_of(request.scope).caller
        require(caller, endpoint.scope)
        body = b""
        if endpoint.method != "GET":
            body = await read_json(request, limit=parts.settings.body_limit)
            if endpoint.largest is not None and len(body) > endpoint.largest:
                raise InvalidName(
                    f"the request holds {len(body)} bytes; at most {endpoint.largest} are taken here"
                )
        query = request.url.query if endpoint.method == "GET" else ""

        def work() -> bytes:
            given = given_in_query(query) if query else given_in_body(body)
            return told(endpoint.handle(Call(given, request.path_params, caller, parts)))

        content = await to_thread.run_sync(work, limiter=limiter)
        return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})

    return answer


def given_in_query(query: str) -> dict[str, Any]:
    """The fields of *query*; a name that comes several times is a list."""
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadRequest(f"the query has more than {_MOST_FIELDS} fields") from error
    given: dict[str, Any] = {}
    for name, value in fields:
        if name not in given:
            given[name] = value
        elif isinstance(given[name], list):
            given[name].append(value)
        else:
            given[name] = [given[name], value]
    return given


def given_in_body(body: bytes) -> dict[str, Any]:
    """The fields of *body*; what is no JSON object has none, as with MLflow."""
    try:
        value = msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def told(answer: Any) -> bytes:
    """*answer* as JSON."""
    return msgspec.json.encode(answer)
