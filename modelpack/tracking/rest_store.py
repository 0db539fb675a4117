"""The tracking store of a real MLflow server, over REST."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from modelpack.errors import AlreadyExists, Conflict, InvalidFilter, InvalidName, NotFound, shorten
from modelpack.registry.records import Page
from modelpack.remote.address import ServerAddress
from modelpack.remote.answers import Refused
from modelpack.remote.patience import if_undone
from modelpack.remote.server import INVALID, MISSING, TAKEN, MlflowServer
from modelpack.tracking import rules
from modelpack.tracking.records import (
    DatasetInput,
    Experiment,
    Metric,
    Run,
    RunInfo,
    Status,
    ViewType,
)
from modelpack.tracking.rest_rows import (
    experiment_of,
    info_of,
    metric_of,
    run_of,
    told_input,
    told_metric,
    told_pairs,
)

_VIEWS: Final = {
    ViewType.ACTIVE_ONLY: "ACTIVE_ONLY",
    ViewType.DELETED_ONLY: "DELETED_ONLY",
    ViewType.ALL: "ALL",
}
_CONFLICTS: Final = ("Changing param value", "must be in the 'active' state", "must be in 'active' state")
"""What a server says, under the code of a wrong value, when the value is right and comes too late."""


def open_server(address: ServerAddress, environ: Mapping[str, str]) -> MlflowServer:
    """The server at *address*, asked as MLflow's variables say; nothing is asked yet."""
    return MlflowServer.open(address, environ)


class RestTrackingStore:
    """A TrackingStore behind *server*, whose laws hold: what it cuts short or lets through, it does.

    Names, keys and values are held to our rules before they are sent.
    """

    def __init__(self, server: MlflowServer) -> None:
        self._server = server

    def create_experiment(self, name: str, *, artifact_location: str = "", tags: Mapping[str, str]) -> str:
        rules.require_experiment_name(name)
        given = rules.require_tags(tags, longest=rules.LONGEST_EXPERIMENT_TAG)
        message: dict[str, Any] = {"name": name, "tags": told_pairs(given)}
        if artifact_location:
            message["artifact_location"] = artifact_location
        with _refusals("experiment", name):
            told = self._server.call("POST", "experiments/create", message, again=if_undone)
        return str(told["experiment_id"])

    def get_experiment(self, experiment_id: str) -> Experiment:
        with _refusals("experiment", experiment_id, not_an_id=True):
            told = self._server.get("experiments/get", experiment_id=experiment_id)
        return experiment_of(told.get("experiment", {}))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        try:
            with _refusals("experiment", name):
                told = self._server.get("experiments/get-by-name", experiment_name=name)
        except NotFound:
            return None
        return experiment_of(told.get("experiment", {}))

    def search_experiments(
        self,
        where: str = "",
        *,
        view: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int = 1_000,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        message = _search(where, view, order_by, max_results, page_token) | {"view_type": _VIEWS[view]}
        with _refusals("search", where, searching=True):
            told = self._server.call("POST", "experiments/search", message)
        return Page(tuple(experiment_of(one) for one in told.get("experiments", ())), _next(told))

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        rules.require_experiment_name(name)
        self._of_experiment("update", experiment_id, {"new_name": name}, taken=name)

    def delete_experiment(self, experiment_id: str) -> None:
        self._of_experiment("delete", experiment_id, {})

    def restore_experiment(self, experiment_id: str) -> None:
        self._of_experiment("restore", experiment_id, {})

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        given = rules.require_tags({key: value}, longest=rules.LONGEST_EXPERIMENT_TAG)
        self._of_experiment("set-experiment-tag", experiment_id, {"key": key, "value": given[key]})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        self._of_experiment("delete-experiment-tag", experiment_id, {"key": key})

    def create_run(
        self,
        experiment_id: str,
        *,
        run_name: str = "",
        user_id: str = "",
        start_time: int,
        tags: Mapping[str, str],
    ) -> Run:
        message = {
            "experiment_id": experiment_id,
            "user_id": rules.require_run_name(user_id),
            "run_name": rules.require_run_name(run_name),
            "start_time": rules.require_time("start time", start_time),
            "tags": told_pairs(rules.require_tags(tags)),
        }
        with _refusals("experiment", experiment_id):
            told = self._server.call("POST", "runs/create", message, again=if_undone)
        return run_of(told.get("run", {}))

    def get_run(self, run_id: str) -> Run:
        with _refusals("run", run_id, not_an_id=True):
            return run_of(self._server.get("runs/get", run_id=run_id).get("run", {}))

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
    ) -> RunInfo:
        changes: dict[str, Any] = {}
        if status is not None:
            changes["status"] = rules.require_status(status)
        if end_time is not None:
            changes["end_time"] = rules.require_time("end time", end_time)
        if run_name:
            changes["run_name"] = rules.require_run_name(run_name)
        return info_of(self._of_run("update", run_id, changes).get("run_info", {}))

    def delete_run(self, run_id: str) -> None:
        self._of_run("delete", run_id, {})

    def restore_run(self, run_id: str) -> None:
        self._of_run("restore", run_id, {})

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Iterable[Metric] = (),
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        points = rules.require_metrics(metrics)
        noted = rules.require_params(params or {})
        tagged = rules.require_tags(tags or {})
        rules.require_batch(len(points), len(noted), len(tagged))
        message = {
            "metrics": [told_metric(one) for one in points],
            "params": told_pairs(noted),
            "tags": told_pairs(tagged),
        }
        self._of_run("log-batch", run_id, message)

    def delete_tag(self, run_id: str, key: str) -> None:
        self._of_run("delete-tag", run_id, {"key": key})

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        self._of_run("log-inputs", run_id, {"datasets": [told_input(one) for one in datasets]})

    def metric_history(
        self, run_id: str, key: str, *, max_results: int = 25_000, page_token: str | None = None
    ) -> Page[Metric]:
        asked = {"run_id": run_id, "metric_key": key, "max_results": str(max_results)}
        with _refusals("run", run_id):
            told = self._server.get("metrics/get-history", **asked, page_token=page_token or "")
        points = sorted(map(metric_of, told.get("metrics", ())), key=lambda one: (one.step, one.timestamp))
        return Page(tuple(points), _next(told))

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        where: str = "",
        *,
        view: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int = 1_000,
        page_token: str | None = None,
    ) -> Page[Run]:
        message = _search(where, view, order_by, max_results, page_token)
        message |= {"experiment_ids": list(experiment_ids), "run_view_type": _VIEWS[view]}
        with _refusals("search", where, searching=True):
            told = self._server.call("POST", "runs/search", message)
        return Page(tuple(run_of(one) for one in told.get("runs", ())), _next(told))

    def close(self) -> None:
        self._server.close()

    def _of_experiment(
        self, act: str, experiment_id: str, message: Mapping[str, Any], *, taken: str = ""
    ) -> None:
        with _refusals("experiment", taken or experiment_id):
            self._server.call("POST", f"experiments/{act}", {"experiment_id": experiment_id, **message})

    def _of_run(self, act: str, run_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
        with _refusals("run", run_id):
            return self._server.call("POST", f"runs/{act}", {"run_id": run_id, **message})


def _search(
    where: str, view: int, order_by: Sequence[str], max_results: int, page_token: str | None
) -> dict[str, Any]:
    if view not in _VIEWS:
        raise InvalidFilter(f"{view} is no view; they are 1 (active), 2 (deleted) and 3 (all)")
    message: dict[str, Any] = {"max_results": max_results, "order_by": list(order_by)}
    return message | ({"filter": where} if where else {}) | ({"page_token": page_token} if page_token else {})


def _next(told: Mapping[str, Any]) -> str | None:
    return told.get("next_page_token") or None


@contextmanager
def _refusals(kind: str, name: str, *, not_an_id: bool = False, searching: bool = False) -> Iterator[None]:
    """A server's no as our errors; *not_an_id* says that a wrong value means that there is no such thing."""
    try:
        yield
    except Refused as refused:
        said = shorten(refused.said, 150)
        if refused.code == MISSING or refused.status == 404 or (not_an_id and refused.code == INVALID):
            raise NotFound(kind, name, hint=said) from refused
        if refused.code == TAKEN:
            raise AlreadyExists(
                f"the {kind} {shorten(repr(name), 80)} exists already, perhaps as a deleted one"
            ) from refused
        if any(sign in refused.said for sign in _CONFLICTS):
            raise Conflict(f"{kind} {shorten(repr(name), 60)}: {said}") from refused
        if refused.code == INVALID and searching:
            raise InvalidFilter(f"the server cannot search for that: {said}") from refused
        if refused.code == INVALID:
            raise InvalidName(
                f"the server refuses it for {kind} {shorten(repr(name), 60)}: {said}"
            ) from refused
        raise
