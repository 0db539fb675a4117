"""Runs: begun, found, ended, hidden and shown again."""

from collections.abc import Mapping
from typing import Any, Final

from modelpack.errors import InvalidName, shorten
from modelpack.tracking.records import STATUSES, Status
from modelpack.tracking.rules import require_status
from modelpack.tracking.server.call import Call, Endpoint, missing
from modelpack.tracking.server.telling import told_info, told_page, told_run
from modelpack.tracking.server.views import view_of

DEFAULT: Final = "0"
"""The experiment of a run that names none."""
_PAGE: Final = 1_000


def run_id_of(call: Call) -> str:
    """The run that is meant, by the newer or the older name of the field."""
    run_id = call.text("run_id") or call.text("run_uuid")
    if not run_id:
        raise missing("run_id")
    return run_id


def create(call: Call) -> Mapping[str, Any]:
    """Begin a run."""
    begun = call.parts.tracking.create_run(
        call.text("experiment_id") or DEFAULT,
        run_name=call.text("run_name"),
        user_id=call.text("user_id"),
        start_time=call.whole("start_time", 0),
        tags=call.pairs("tags"),
    )
    return {"run": told_run(begun, call.parts.files.tell)}


def get(call: Call) -> Mapping[str, Any]:
    """One run, deleted or not."""
    return {"run": told_run(call.parts.tracking.get_run(run_id_of(call)), call.parts.files.tell)}


def update(call: Call) -> Mapping[str, Any]:
    """Change what is given."""
    info = call.parts.tracking.update_run(
        run_id_of(call),
        status=_status(call),
        end_time=call.optional_whole("end_time"),
        run_name=call.text("run_name") or None,
    )
    return {"run_info": told_info(info, call.parts.files.tell)}


def _status(call: Call) -> Status | None:
    """By its name, or by its place among them as Protocol Buffers count."""
    given = call.given.get("status")
    if given is None:
        return None
    if isinstance(given, str):
        return require_status(given)
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= len(STATUSES):
        return STATUSES[given - 1]
    raise InvalidName(f"Invalid value {shorten(repr(given), 60)} for parameter 'status' supplied")


def delete(call: Call) -> Mapping[str, Any]:
    """Hide it."""
    call.parts.tracking.delete_run(run_id_of(call))
    return {}


def restore(call: Call) -> Mapping[str, Any]:
    """Show it again."""
    call.parts.tracking.restore_run(run_id_of(call))
    return {}


def search(call: Call) -> Mapping[str, Any]:
    """Runs of some experiments where a filter holds."""
    page = call.parts.tracking.search_runs(
        call.texts("experiment_ids"),
        call.text("filter"),
        view=view_of(call, "run_view_type"),
        order_by=call.texts("order_by"),
        max_results=call.whole("max_results", _PAGE),
        page_token=call.text("page_token") or None,
    )
    tell = call.parts.files.tell
    return told_page("runs", (told_run(one, tell) for one in page), page.next_token)


ENDPOINTS = (
    Endpoint("POST", "runs/create", create, "write"),
    Endpoint("GET", "runs/get", get, "read"),
    Endpoint("POST", "runs/update", update, "write"),
    Endpoint("POST", "runs/delete", delete, "write"),
    Endpoint("POST", "runs/restore", restore, "write"),
    Endpoint("POST", "runs/search", search, "read"),
)
