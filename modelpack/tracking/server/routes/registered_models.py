"""Registered models over REST: names, their tags, aliases and history."""

from collections.abc import Mapping
from typing import Any, Final

from modelpack.errors import AlreadyExists, shorten
from modelpack.registry.claims import token_of
from modelpack.registry.names import require_alias, require_name, require_stage
from modelpack.registry.sql_store import SqlStore
from modelpack.registry.store import NOT_GIVEN
from modelpack.tracking.server.call import Call, Endpoint
from modelpack.tracking.server.telling import told_page
from modelpack.tracking.server.telling_registry import told_model, told_move, told_version
from modelpack.tracking.server.words import Missing, of_alias, of_model, of_version

_SEARCHED: Final = 100
"""Models on a page, where nobody says how many."""
_LATEST: Final = "latest"
_IS_PROMPT: Final = "mlflow.prompt.is_prompt"

Told = Mapping[str, Any]


def create(call: Call) -> Told:
    """Enter a name, without versions."""
    name, store = call.required("name"), _store(call)
    try:
        model = store.create_model(name, description=call.text("description"), tags=call.pairs("tags"))
    except AlreadyExists as error:
        raise _taken(name) from error
    return {"registered_model": told_model(model, call.parts.files.tell)}


def rename(call: Call) -> Told:
    """Call a model by another name."""
    name, new_name = call.required("name"), call.required("new_name")
    try:
        with of_model(name):
            model = _store(call).rename_model(name, new_name)
    except AlreadyExists as error:
        raise _taken(new_name) from error
    return {"registered_model": told_model(model, call.parts.files.tell)}


def update(call: Call) -> Told:
    """Replace the description; one that is left out is none."""
    name = call.required("name")
    with of_model(name):
        model = _store(call).update_model(name, description=call.text("description"))
    return {"registered_model": told_model(model, call.parts.files.tell)}


def delete(call: Call) -> Told:
    """Forget a model and its versions."""
    name = call.required("name")
    with of_model(name):
        _store(call).delete_model(name)
    return {}


def get(call: Call) -> Told:
    """What is known of one model."""
    name = call.required("name")
    with of_model(name):
        return {"registered_model": told_model(_store(call).get_model(name), call.parts.files.tell)}


def search(call: Call) -> Told:
    """A page of models."""
    most, token = call.whole("max_results", _SEARCHED), call.text("page_token") or None
    # MLflow's answer to none at all: nothing, and where one would go on from.
    page = _store(call).search_models(
        without_prompts(call.text("filter")),
        order_by=call.texts("order_by"),
        max_results=most or 1,
        page_token=token,
    )
    if not most:
        return {"next_page_token": token or token_of(0)} if page.items else {}
    return told_page(
        "registered_models", (told_model(one, call.parts.files.tell) for one in page), page.next_token
    )


def latest_versions(call: Call) -> Told:
    """The highest version in each stage that is asked for."""
    name, stages = call.required("name"), call.texts("stages")
    for stage in stages:
        require_stage(stage)
    with of_model(name):
        found = _store(call).latest_versions(name, stages)
    return told_page("model_versions", (told_version(one, call.parts.files.tell) for one in found), None)


def set_tag(call: Call) -> Told:
    """Tag a model."""
    name, key = call.required("name"), call.required("key")
    with of_model(name):
        _store(call).set_tag(name, key, call.text("value"), version=None)
    return {}


def delete_tag(call: Call) -> Told:
    """Remove a model's tag, if it is there."""
    name, key = call.required("name"), call.required("key")
    with of_model(name):
        _store(call).delete_tag(name, key, version=None)
    return {}


def set_alias(call: Call) -> Told:
    """Let an alias mean a version."""
    name, alias, version = require_name(call.required("name")), call.required("alias"), number(call)
    with of_version(name, version):
        _store(call).set_alias(name, alias, version, expected=NOT_GIVEN)
    return {}


def delete_alias(call: Call) -> Told:
    """Let an alias mean nothing."""
    name, alias = require_name(call.required("name")), call.required("alias")
    with of_model(name):
        _store(call).delete_alias(name, alias)
    return {}


def get_by_alias(call: Call) -> Told:
    """The version that an alias means; ``latest`` always means the newest."""
    name, alias, store = require_name(call.required("name")), call.required("alias"), _store(call)
    if alias.lower() == _LATEST:
        with of_model(name):
            found = store.latest_versions(name, ())
        if not found:
            raise Missing(f"Latest version not found for model {shorten(name, 120)}.")
        return {"model_version": told_version(max(found, key=lambda one: one.version), call.parts.files.tell)}
    require_alias(alias)
    with of_alias(name, alias):
        return {"model_version": told_version(store.get_version_by_alias(name, alias), call.parts.files.tell)}


def history(call: Call) -> Told:
    """Every move of a stage or an alias, oldest first; ours alone."""
    name, version = call.required("name"), call.optional_whole("version")
    with of_model(name):
        moves = _store(call).history(name, version=version)
    return told_page("moves", map(told_move, moves), None)


def without_prompts(where: str) -> str:
    """The filter *where* as MLflow's server takes it: prompts are found by who asks for them by their tag."""
    if _IS_PROMPT in where:
        return where
    hidden = f"tag.`{_IS_PROMPT}` != 'true'"
    return f"{where} AND {hidden}" if where else hidden


def number(call: Call) -> int:
    """The number of the version that is meant: MLflow's clients send it as text."""
    return call.whole("version")


def _store(call: Call) -> SqlStore:
    return call.parts.registry(call.caller.name)


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"Registered Model (name={shorten(name, 120)}) already exists.")


ENDPOINTS: Final = (
    Endpoint("POST", "registered-models/create", create, "write"),
    Endpoint("POST", "registered-models/rename", rename, "write"),
    Endpoint("PATCH", "registered-models/update", update, "write"),
    Endpoint("DELETE", "registered-models/delete", delete, "write"),
    Endpoint("GET", "registered-models/get", get, "read"),
    Endpoint("GET", "registered-models/search", search, "read"),
    Endpoint("POST", "registered-models/get-latest-versions", latest_versions, "read"),
    Endpoint("GET", "registered-models/get-latest-versions", latest_versions, "read"),
    Endpoint("POST", "registered-models/set-tag", set_tag, "write"),
    Endpoint("DELETE", "registered-models/delete-tag", delete_tag, "write"),
    Endpoint("POST", "registered-models/alias", set_alias, "write"),
    Endpoint("DELETE", "registered-models/alias", delete_alias, "write"),
    Endpoint("GET", "registered-models/alias", get_by_alias, "read"),
    Endpoint("GET", "/api/2.0/modelpack/registered-models/history", history, "read"),
)
