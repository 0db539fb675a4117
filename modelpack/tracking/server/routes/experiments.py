"""Experiments: entered, found, renamed, noted on, hidden and shown again."""

from collections.abc import Mapping
from typing import Any

from modelpack.errors import InvalidName, NotFound, shorten
from modelpack.tracking.search_datasets import search_datasets
from modelpack.tracking.server.call import Call, Endpoint
from modelpack.tracking.server.locations import require_location
from modelpack.tracking.server.telling import told_experiment, told_page
from modelpack.tracking.server.views import view_of

_MOST: int = 1_000


def create(call: Call) -> Mapping[str, Any]:
    """Enter an experiment; its files may only lie where this server keeps files."""
    name, location = call.required("name"), call.text("artifact_location")
    if location:
        location = require_location(location, call.parts)
    entered = call.parts.tracking.create_experiment(name, artifact_location=location, tags=call.pairs("tags"))
    return {"experiment_id": entered}


def get(call: Call) -> Mapping[str, Any]:
    """One experiment, deleted or not."""
    experiment_id = call.required("experiment_id")
    if not experiment_id.isdecimal():
        raise InvalidName(
            f"Invalid experiment ID '{shorten(experiment_id, 80)}'. Experiment ID must be a valid integer."
        )
    found = call.parts.tracking.get_experiment(experiment_id)
    return {"experiment": told_experiment(found, call.parts.files.tell)}


def get_by_name(call: Call) -> Mapping[str, Any]:
    """One experiment, deleted or not."""
    name = call.required("experiment_name")
    found = call.parts.tracking.get_experiment_by_name(name)
    if found is None:
        raise NotFound("experiment", shorten(name, 120))
    return {"experiment": told_experiment(found, call.parts.files.tell)}


def search(call: Call) -> Mapping[str, Any]:
    """Experiments where a filter holds."""
    page = call.parts.tracking.search_experiments(
        call.text("filter"),
        view=view_of(call, "view_type"),
        order_by=call.texts("order_by"),
        max_results=call.whole("max_results", _MOST),
        page_token=call.text("page_token") or None,
    )
    tell = call.parts.files.tell
    return told_page("experiments", (told_experiment(one, tell) for one in page), page.next_token)


def update(call: Call) -> Mapping[str, Any]:
    """Call it something else."""
    call.parts.tracking.rename_experiment(call.required("experiment_id"), call.required("new_name"))
    return {}


def delete(call: Call) -> Mapping[str, Any]:
    """Hide it."""
    call.parts.tracking.delete_experiment(call.required("experiment_id"))
    return {}


def restore(call: Call) -> Mapping[str, Any]:
    """Show it again."""
    call.parts.tracking.restore_experiment(call.required("experiment_id"))
    return {}


def set_tag(call: Call) -> Mapping[str, Any]:
    """Note something about it."""
    call.parts.tracking.set_experiment_tag(
        call.required("experiment_id"), call.required("key"), call.text("value")
    )
    return {}


def delete_tag(call: Call) -> Mapping[str, Any]:
    """Take a note away."""
    call.parts.tracking.delete_experiment_tag(call.required("experiment_id"), call.required("key"))
    return {}


def datasets(call: Call) -> Mapping[str, Any]:
    """The datasets that runs of some experiments have used."""
    with call.parts.database.read() as connection:
        found = search_datasets(connection, call.texts("experiment_ids"))
    summaries = [
        {"experiment_id": one.experiment_id, "name": one.name, "digest": one.digest}
        | ({"context": one.context} if one.context else {})
        for one in found
    ]
    return told_page("dataset_summaries", summaries, None)


ENDPOINTS = (
    Endpoint("POST", "experiments/create", create, "write"),
    Endpoint("GET", "experiments/get", get, "read"),
    Endpoint("GET", "experiments/get-by-name", get_by_name, "read"),
    Endpoint("POST", "experiments/search", search, "read"),
    Endpoint("GET", "experiments/search", search, "read"),
    Endpoint("POST", "experiments/update", update, "write"),
    Endpoint("POST", "experiments/delete", delete, "write"),
    Endpoint("POST", "experiments/restore", restore, "write"),
    Endpoint("POST", "experiments/set-experiment-tag", set_tag, "write"),
    Endpoint("POST", "experiments/delete-experiment-tag", delete_tag, "write"),
    Endpoint("POST", "experiments/search-datasets", datasets, "read"),
    # MLflow's clients ask here: its table of paths lacks a slash.
    Endpoint("POST", "/api/2.0mlflow/experiments/search-datasets", datasets, "read"),
)
