"""Logged models over REST: what MLflow 3 knows of models by themselves, and which ones a run made."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from modelpack.errors import InvalidName, NotFound, shorten
from modelpack.tracking.records import MODEL_STATUSES
from modelpack.tracking.server.call import Call, Endpoint, missing
from modelpack.tracking.server.telling import told_page
from modelpack.tracking.server.telling_logged import told_logged_model
from modelpack.tracking.server.words import Missing
from modelpack.tracking.sql_logged_models import SqlLoggedModels

_SEARCHED: Final = 50
"""Models on a page, where nobody says how many."""

Told = Mapping[str, Any]


def create(call: Call) -> Told:
    """Enter a model that its caller is about to upload."""
    model = _models(call).create(
        call.required("experiment_id"),
        name=call.text("name"),
        model_type=call.text("model_type"),
        source_run_id=call.text("source_run_id"),
        params=call.pairs("params"),
        tags=call.pairs("tags"),
        user=call.caller.name,
    )
    return {"model": told_logged_model(model, call.parts.files.tell)}


def get(call: Call) -> Told:
    """One model."""
    model_id = call.path["model_id"]
    with _of(model_id):
        model = _models(call).get(model_id, deleted=call.claim("allow_deleted"))
    return {"model": told_logged_model(model, call.parts.files.tell)}


def finalize(call: Call) -> Told:
    """Say how the upload ended."""
    model_id, status = call.path["model_id"], call.given.get("status")
    if status is None:
        raise missing("status")
    if isinstance(status, int) and not isinstance(status, bool) and 1 <= status <= len(MODEL_STATUSES):
        status = MODEL_STATUSES[status - 1]
    if not isinstance(status, str):
        raise InvalidName(f"Invalid value {shorten(repr(status), 80)} for parameter 'status' supplied.")
    with _of(model_id):
        return {"model": told_logged_model(_models(call).finalize(model_id, status), call.parts.files.tell)}


def delete(call: Call) -> Told:
    """Hide a model."""
    model_id = call.path["model_id"]
    with _of(model_id):
        _models(call).delete(model_id)
    return {}


def set_tags(call: Call) -> Told:
    """Note something about a model."""
    model_id = call.path["model_id"]
    with _of(model_id):
        _models(call).set_tags(model_id, call.pairs("tags"))
    return {}


def delete_tag(call: Call) -> Told:
    """Take a note away, which must be there."""
    model_id, key = call.path["model_id"], call.path["key"]
    with _of(model_id, key):
        _models(call).delete_tag(model_id, key)
    return {}


def log_params(call: Call) -> Told:
    """Add params."""
    model_id = call.path["model_id"]
    with _of(model_id):
        _models(call).log_params(model_id, call.pairs("params"))
    return {}


def search(call: Call) -> Told:
    """A page of models."""
    page = _models(call).search(
        call.texts("experiment_ids"),
        call.text("filter"),
        datasets=call.items("datasets"),
        order_by=call.items("order_by"),
        max_results=call.whole("max_results", _SEARCHED) or _SEARCHED,
        page_token=call.text("page_token") or None,
    )
    return told_page(
        "models", (told_logged_model(one, call.parts.files.tell) for one in page), page.next_token
    )


def log_outputs(call: Call) -> Told:
    """Note which models a run has made."""
    models = []
    for place, one in enumerate(call.items("models")):
        model_id, step = one.get("model_id"), one.get("step", 0)
        if not isinstance(model_id, str) or not model_id:
            raise missing(f"models[{place}].model_id")
        if not isinstance(step, int):
            raise InvalidName(f"Invalid value for parameter 'models[{place}].step' supplied.")
        models.append((model_id, step))
    _models(call).log_outputs(call.required("run_id"), models)
    return {}


@contextmanager
def _of(model_id: str, key: str = "") -> Iterator[None]:
    """Say of a model, or of its tag *key*, that it is not there, if it is not."""
    try:
        yield
    except NotFound as error:
        known = shorten(model_id, 60)
        if error.kind == "logged model":
            raise Missing(f"Logged model with ID '{known}' not found.") from error
        tag = shorten(repr(key), 80)
        raise Missing(f"No tag with key {tag} found for model with ID '{known}'.") from error


def _models(call: Call) -> SqlLoggedModels:
    return SqlLoggedModels(call.parts.database)


ENDPOINTS: Final = (
    Endpoint("POST", "logged-models", create, "write"),
    Endpoint("POST", "logged-models/search", search, "read"),
    Endpoint("GET", "logged-models/{model_id}", get, "read"),
    Endpoint("PATCH", "logged-models/{model_id}", finalize, "write"),
    Endpoint("DELETE", "logged-models/{model_id}", delete, "write"),
    Endpoint("PATCH", "logged-models/{model_id}/tags", set_tags, "write"),
    Endpoint("DELETE", "logged-models/{model_id}/tags/{key:path}", delete_tag, "write"),
    Endpoint("POST", "logged-models/{model_id}/params", log_params, "write"),
    Endpoint("POST", "runs/outputs", log_outputs, "write"),
)
