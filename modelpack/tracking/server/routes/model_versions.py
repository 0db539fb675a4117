"""Versions of registered models over REST."""

from collections.abc import Mapping
from typing import Any, Final

from modelpack.registry.names import require_name, require_stage
from modelpack.registry.sql_store import SqlStore
from modelpack.registry.store import NOT_GIVEN
from modelpack.tracking.server.call import Call, Endpoint
from modelpack.tracking.server.files import PROXY
from modelpack.tracking.server.routes.registered_models import number, without_prompts
from modelpack.tracking.server.sources import bring
from modelpack.tracking.server.telling import told_page
from modelpack.tracking.server.telling_registry import told_version
from modelpack.tracking.server.words import of_model, of_version
from modelpack.uris import ModelRef

_SEARCHED: Final = 200_000
"""Versions on a page, where nobody says how many."""
_KEPT: Final = "models/"

Told = Mapping[str, Any]


def create(call: Call) -> Told:
    """Give a model its next version: its files are verified and kept, and the version comes last."""
    name, source = require_name(call.required("name")), call.required("source")
    model_id, tags = call.text("model_id"), call.pairs("tags")
    store = _store(call)
    with of_model(name):
        store.get_model(name)
    brought = bring(call.parts, source, run_id=call.text("run_id"), model_id=model_id, tags=tags)
    version = store.create_version(
        name,
        source=brought.source,
        digest=brought.digest,
        location=brought.location,
        run_id=brought.run_id,
        description=call.text("description"),
        tags=tags,
        run_link=call.text("run_link"),
        model_id=model_id or _logged_model(source),
    )
    return {"model_version": told_version(version, call.parts.files.tell)}


def _logged_model(source: str) -> str:
    """The id of the logged model that *source* is, if it is one."""
    return (ModelRef.parse(source).logged_model or "") if source.startswith("models:") else ""


def update(call: Call) -> Told:
    """Replace the description; one that is left out is none."""
    name, version = call.required("name"), number(call)
    with of_version(name, version):
        updated = _store(call).update_version(name, version, description=call.text("description"))
    return {"model_version": told_version(updated, call.parts.files.tell)}


def transition(call: Call) -> Told:
    """Move a version to a stage, and others out of it if that is asked."""
    name, version = call.required("name"), number(call)
    stage = require_stage(call.required("stage"))
    with of_version(name, version):
        moved = _store(call).promote(
            name,
            version,
            stage,
            archive_existing=call.claim("archive_existing_versions"),
            expected=NOT_GIVEN,
        )
    return {"model_version": told_version(moved, call.parts.files.tell)}


def delete(call: Call) -> Told:
    """Forget a version and its aliases."""
    name, version = call.required("name"), number(call)
    with of_version(name, version):
        _store(call).delete_version(name, version)
    return {}


def get(call: Call) -> Told:
    """One version."""
    name, version = call.required("name"), number(call)
    with of_version(name, version):
        return {"model_version": told_version(_store(call).get_version(name, version), call.parts.files.tell)}


def search(call: Call) -> Told:
    """A page of versions."""
    page = _store(call).search_versions(
        without_prompts(call.text("filter")),
        order_by=call.texts("order_by"),
        max_results=call.whole("max_results", _SEARCHED),
        page_token=call.text("page_token") or None,
    )
    return told_page(
        "model_versions", (told_version(one, call.parts.files.tell) for one in page), page.next_token
    )


def download_uri(call: Call) -> Told:
    """Where the files of a version can be fetched: here, if they are kept here."""
    name, version = call.required("name"), number(call)
    with of_version(name, version):
        found = _store(call).get_version(name, version)
    is_kept = found.location.startswith(_KEPT)
    return {"artifact_uri": f"{PROXY}/{found.location}" if is_kept else found.source}


def set_tag(call: Call) -> Told:
    """Tag a version."""
    name, version, key = call.required("name"), number(call), call.required("key")
    with of_version(name, version):
        _store(call).set_tag(name, key, call.text("value"), version=version)
    return {}


def delete_tag(call: Call) -> Told:
    """Remove a version's tag, if it is there."""
    name, version, key = call.required("name"), number(call), call.required("key")
    with of_version(name, version):
        _store(call).delete_tag(name, key, version=version)
    return {}


def _store(call: Call) -> SqlStore:
    return call.parts.registry(call.caller.name)


ENDPOINTS: Final = (
    Endpoint("POST", "model-versions/create", create, "write"),
    Endpoint("PATCH", "model-versions/update", update, "write"),
    Endpoint("POST", "model-versions/transition-stage", transition, "write"),
    Endpoint("DELETE", "model-versions/delete", delete, "write"),
    Endpoint("GET", "model-versions/get", get, "read"),
    Endpoint("GET", "model-versions/search", search, "read"),
    Endpoint("GET", "model-versions/get-download-uri", download_uri, "read"),
    Endpoint("POST", "model-versions/set-tag", set_tag, "write"),
    Endpoint("DELETE", "model-versions/delete-tag", delete_tag, "write"),
)
