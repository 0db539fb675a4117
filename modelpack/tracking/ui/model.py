"""One registered model: its versions, where they stand, and how they came there."""

from typing import Final

from starlette.responses import Response

from modelpack.registry.claims import token_of
from modelpack.registry.names import STAGES
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import Pager, with_query
from modelpack.tracking.ui.rendering import page, redirect
from modelpack.tracking.ui.telling import segment

SIZE: Final = 50
MOVES: Final = 100


def show(ask: Ask) -> Response:
    """The model, its versions with the newest first, and its moves."""
    registry = ask.parts.registry(ask.caller.name)
    model = registry.get_model(ask.path["name"])
    pager = Pager.of(ask, SIZE)
    quoted = model.name.replace("'", "''")
    found = registry.search_versions(
        f"name = '{quoted}'",
        order_by=["version_number DESC"],
        max_results=SIZE,
        page_token=token_of(pager.offset),
    )
    moves = registry.history(model.name, version=None)
    return page(
        "model.html",
        ask,
        model=model,
        versions=found.items,
        pager=pager.before(found.next_token),
        moves=list(reversed(moves))[:MOVES],
        more_moves=max(0, len(moves) - MOVES),
        stages=STAGES,
    )


def describe(ask: Ask) -> Response:
    """Replace the description."""
    name = ask.path["name"]
    ask.parts.registry(ask.caller.name).update_model(name, description=ask.sent("description"))
    return redirect(with_query(f"/models/{segment(name)}", told="described"))


PAGES: Final = (
    Page("GET", "/models/{name}", show),
    Page("POST", "/models/{name}/description", describe, "write"),
)
