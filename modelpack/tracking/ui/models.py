"""Registered models, found by name, and made."""

from typing import Final

from starlette.responses import Response

from modelpack.registry.claims import token_of
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import Pager, contains, with_query
from modelpack.tracking.ui.rendering import page, redirect
from modelpack.tracking.ui.telling import segment

SIZE: Final = 50


def show(ask: Ask) -> Response:
    """The models that are called like what is looked for."""
    pager = Pager.of(ask, SIZE)
    wanted = ask.one("q")
    found = ask.parts.registry(ask.caller.name).search_models(
        contains("name", wanted), order_by=(), max_results=SIZE, page_token=token_of(pager.offset)
    )
    return page("models.html", ask, found=found.items, wanted=wanted, pager=pager.before(found.next_token))


def create(ask: Ask) -> Response:
    """Make a model without versions, and go there."""
    name = ask.sent("name").strip()
    ask.parts.registry(ask.caller.name).create_model(name, description=ask.sent("description"), tags={})
    return redirect(with_query(f"/models/{segment(name)}", told="created"))


PAGES: Final = (Page("GET", "/models", show), Page("POST", "/models", create, "write"))
