"""The table of pages as routes: the request is read, the page made in a thread, what goes wrong told."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelpack.errors import Conflict, ModelpackError, NotFound, shorten
from modelpack.tracking.server.dispatch import require
from modelpack.tracking.server.exchange import exchange_of
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.problems import problem_of
from modelpack.tracking.ui import (
    assets,
    compare,
    curves,
    experiment,
    experiments,
    files,
    forms,
    logged,
    login,
    model,
    models,
    moving,
    run,
    trying,
    version,
)
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.rendering import new_token, page

logger = logging.getLogger("modelpack.tracking.ui")

PAGES: Final[tuple[Page, ...]] = (
    *experiments.PAGES,
    *experiment.PAGES,
    *run.PAGES,
    *curves.PAGES,
    *files.PAGES,
    *logged.PAGES,
    *compare.PAGES,
    *models.PAGES,
    *model.PAGES,
    *version.PAGES,
    *moving.PAGES,
    *trying.PAGES,
    *login.PAGES,
)

_TITLES: Final = {
    400: "That cannot be done",
    403: "Not allowed",
    404: "Not here",
    429: "Too often",
    503: "Not to be reached just now",
}
_CONFLICT: Final = "Somebody was quicker"
_ROOMS: Final = ("experiments", "runs", "models", "logged-models", "compare")
_MOST_FIELDS: Final = 500
_LONGEST_QUERY: Final = 60_000


def routes(parts: Parts) -> list[Route]:
    """Every page, and the files that they are made with. The app puts them behind its gate."""
    made = [Route("/assets/{name:path}", assets.serve, methods=["GET"])]
    made += [Route(one.path, _answering(one, parts), methods=[one.method]) for one in PAGES]
    nowhere = [Page("GET", f"/{room}/{{rest:path}}", _miss) for room in _ROOMS]
    made += [Route(one.path, _answering(one, parts), methods=["GET"]) for one in nowhere]
    return made


def _miss(ask: Ask) -> Response:
    """Say by a page that there is none."""
    raise NotFound(
        "page",
        ask.path["rest"].rpartition("/")[2],
        hint="was the address cut, or is the name spelled otherwise?",
    )


def _answering(one: Page, parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        exchange = exchange_of(request.scope)
        exchange.route = one.path
        known = forms.known_token(request.cookies)
        ask = _ask(request, parts, known or new_token())
        try:
            if one.scope is not None:
                require(exchange.caller, one.scope)
            if one.method == "POST":
                form = await forms.read_form(request)
                forms.require_own(request, form)
                ask = _ask(request, parts, ask.token, form)
            response = await run_in_threadpool(one.handle, ask)
        except Exception as error:  # noqa: BLE001 - whatever a page meets, a person gets a page
            response = await run_in_threadpool(_trouble, error, ask, exchange.request_id)
        if known is None and response.media_type == "text/html; charset=utf-8":
            response.set_cookie(
                forms.COOKIE,
                ask.token,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )
        return response

    return answer


def _ask(request: Request, parts: Parts, token: str, form: dict[str, list[str]] | None = None) -> Ask:
    return Ask(
        parts=parts,
        caller=exchange_of(request.scope).caller,
        place=request.url.path,
        address=f"{request.url.scheme}://{request.url.netloc}",
        token=token,
        now=time.time_ns() // 1_000_000,
        path=request.path_params,
        query=_fields(request.url.query),
        form=form or {},
    )


def _fields(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query[:_LONGEST_QUERY], keep_blank_values=False, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}


def _trouble(error: Exception, ask: Ask, request_id: str) -> Response:
    problem = problem_of(error)
    if not isinstance(error, ModelpackError):
        logger.error("page failed", exc_info=error, extra={"place": shorten(ask.place, 200)})
    said = problem.message or f"The server's log tells more under the request id {request_id}."
    if isinstance(error, Conflict):
        # What was asked about is a page above.
        return page(
            "error.html",
            ask,
            status=problem.status,
            title=_CONFLICT,
            said=said,
            back=ask.place.rpartition("/")[0],
        )
    title = _TITLES.get(problem.status, "That did not work")
    return page("error.html", ask, status=problem.status, title=title, said=said, back="")
