"""One version of a registered model: what it takes and gives, what proves it, where it comes from."""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from modelpack.errors import ModelpackError, NotFound
from modelpack.registry.names import STAGES
from modelpack.registry.records import ModelVersion
from modelpack.tracking.ui import shelf, trials
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.cards import Card, card_of
from modelpack.tracking.ui.files import attachment
from modelpack.tracking.ui.lineage import model_of, run_of
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import with_query
from modelpack.tracking.ui.rendering import HEADERS, page, redirect
from modelpack.tracking.ui.telling import segment

TAGS: Final = 30

_USUAL_SERVER: Final = "http://127.0.0.1:5001"
_OWN: Final = "modelpack."
"""Begins tags that tell again what stands beside them."""


def show(ask: Ask) -> Response:
    """All that is known of it."""
    return page_of(ask, filled={}, outcome=None)


def form_for(ask: Ask, filled: dict[str, str]) -> tuple[ModelVersion, trials.Form]:
    """The version that *ask* is about, and its form with what was *filled* in."""
    version = ask.parts.registry(ask.caller.name).get_version(ask.path["name"], ask.version)
    card = _card(ask, version)
    return version, trials.form_of(card.signature, card.example, filled)


def page_of(ask: Ask, *, filled: dict[str, str], outcome: trials.Outcome | None) -> Response:
    """The page, with what was *filled* into its form, and the *outcome* of sending that."""
    registry = ask.parts.registry(ask.caller.name)
    version = registry.get_version(ask.path["name"], ask.version)
    card = _card(ask, version)
    form = trials.form_of(card.signature, card.example, filled)
    server = next(iter(ask.parts.settings.scoring_servers), _USUAL_SERVER)
    return page(
        "version.html",
        ask,
        version=version,
        model=registry.get_model(version.name),
        card=card,
        tags=[(key, value) for key, value in sorted(version.tags.items()) if not key.startswith(_OWN)][:TAGS],
        run=run_of(ask, version.run_id),
        logged=model_of(ask, version.model_id),
        moves=list(reversed(registry.history(version.name, version=version.version))),
        stages=[stage for stage in STAGES if stage != version.stage],
        usual_stage="Archived" if version.stage == "Production" else "Production",
        form=form,
        servers=ask.parts.settings.scoring_servers,
        outcome=outcome,
        reference=f"models:/{version.name}/{version.version}",
        curl=trials.curl_line(form, server),
        python=trials.python_lines(form, server),
    )


def describe(ask: Ask) -> Response:
    """Replace the description."""
    name, number = ask.path["name"], ask.version
    ask.parts.registry(ask.caller.name).update_version(name, number, description=ask.sent("description"))
    return redirect(with_query(address_of(name, number), told="described"))


def send(ask: Ask) -> Response:
    """One of its files, to be kept and never opened here."""
    version = ask.parts.registry(ask.caller.name).get_version(ask.path["name"], ask.version)
    path = ask.path["path"]
    if not path or path.endswith("/"):
        raise NotFound("file of this version", path)
    size, chunks = shelf.stream(ask.parts, version.location, path)
    headers = {
        **HEADERS,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Length": str(size),
        "Content-Disposition": attachment(path),
    }
    return StreamingResponse(chunks, headers=headers, media_type="application/octet-stream")


def address_of(name: str, number: int) -> str:
    """Where the page of a version is."""
    return f"/models/{segment(name)}/{quote(str(number))}"


def _card(ask: Ask, version: ModelVersion) -> Card:
    try:
        return card_of(ask.parts, version)
    except ModelpackError as error:
        return Card(problems=[str(error)])


PAGES: Final = (
    Page("GET", "/models/{name}/{version}", show),
    Page("POST", "/models/{name}/{version}/description", describe, "write"),
    Page("GET", "/models/{name}/{version}/files/{path:path}", send),
)
