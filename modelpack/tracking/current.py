"""What a process tracks to, and the runs that are going on in it."""

import os
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal

from modelpack.errors import AlreadyExists, Conflict, InvalidName, shorten
from modelpack.tracking.client import MlflowClient
from modelpack.tracking.client_of_runs import PARENT
from modelpack.tracking.opening import VARIABLES, tracking_uri
from modelpack.tracking.records import Experiment, Run
from modelpack.tracking.source import source_tags

EXPERIMENT_ID: Final = "MLFLOW_EXPERIMENT_ID"
EXPERIMENT_NAME: Final = "MLFLOW_EXPERIMENT_NAME"
RUN_ID: Final = "MLFLOW_RUN_ID"
_DEFAULT: Final = "0"

# Each thread, and each task of an event loop, has runs of its own; the experiment is the process's.
_RUNS: ContextVar[tuple["ActiveRun", ...]] = ContextVar("runs", default=())


class _State:
    """What a process has chosen, and the client that is open for it."""

    def __init__(self) -> None:
        self.experiment_id: str | None = None
        self.registry_uri: str | None = None
        self.last_run_id: str | None = None
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], MlflowClient] = {}

    def client(self) -> MlflowClient:
        place = tracking_uri(os.environ)[0]
        with self._lock:
            if (place, self.registry_uri) not in self._clients:
                self._clients[place, self.registry_uri] = MlflowClient(place, self.registry_uri)
            return self._clients[place, self.registry_uri]


_STATE: Final = _State()


def client() -> MlflowClient:
    """The client for where this process tracks to now; the same one until that changes."""
    return _STATE.client()


class ActiveRun(Run):
    """A run that is going on. At the end of a ``with`` block it is FINISHED, or FAILED by what was raised."""

    def __enter__(self) -> "ActiveRun":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        runs = _RUNS.get()
        if any(one.info.run_id == self.info.run_id for one in runs):
            # Those inside it that were never ended end with it.
            while _RUNS.get() and _RUNS.get()[-1].info.run_id != self.info.run_id:
                end_run("FINISHED" if kind is None else "FAILED")
            end_run("FINISHED" if kind is None else "FAILED")
        return False


def set_tracking_uri(uri: str | Path) -> None:
    """Track to *uri* from now on: ``sqlite:///FILE``, ``postgresql://…``, ``http://…``; children do too."""
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    if str(uri):
        os.environ[VARIABLES[-1]] = str(uri)
    _STATE.experiment_id = None


def get_tracking_uri() -> str:
    """Where runs are tracked."""
    return tracking_uri(os.environ)[0]


def set_registry_uri(uri: str) -> None:
    """Register models at *uri* from now on; an empty text takes that back."""
    _STATE.registry_uri = uri or None


def get_registry_uri() -> str:
    """Where models are registered."""
    return _STATE.registry_uri or get_tracking_uri()


def set_experiment(
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    *,
    tags: Mapping[str, Any] | None = None,
) -> Experiment:
    """Begin runs in this experiment from now on; a name that is new is entered.

    Raises Conflict for an experiment that is deleted, NotFound for an id that is none.
    """
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidName("set_experiment wants a name or an id, and not both")
    place = client()
    if experiment_id is not None:
        experiment = place.get_experiment(experiment_id)
    else:
        experiment = _experiment_called(place, experiment_name or "")
    if experiment.lifecycle_stage != "active":
        raise Conflict(
            f"the experiment {shorten(repr(experiment.name), 80)} is deleted; restore it, or choose another"
        )
    for key, value in (tags or {}).items():
        place.set_experiment_tag(experiment.experiment_id, key, value)
    _STATE.experiment_id = experiment.experiment_id
    return experiment


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> ActiveRun:
    """Begin a run, or go on with *run_id*; it is the current one until it ends. Use it as a context manager.

    With *nested*, or a *parent_run_id*, it belongs to another one; else Conflict while a run is going on.
    """
    place, going_on = client(), _RUNS.get()
    if going_on and not (nested or parent_run_id):
        raise Conflict(
            f"the run {going_on[-1].info.run_id} is going on; end it with end_run(), or nest this one in it "
            "with start_run(nested=True)"
        )
    known = run_id or (os.environ.get(RUN_ID) if not going_on else None)
    if known:
        run = _go_on(place, known, tags)
    else:
        given = {**source_tags(), **{key: str(value) for key, value in (tags or {}).items()}}
        if description is not None:
            given["mlflow.note.content"] = description
        parent = parent_run_id or (going_on[-1].info.run_id if going_on else None)
        if parent:
            given[PARENT] = parent
        run = place.create_run(experiment_id or experiment_of(place), tags=given, run_name=run_name)
    active = ActiveRun(info=run.info, data=run.data, inputs=run.inputs)
    _RUNS.set((*going_on, active))
    _STATE.last_run_id = run.info.run_id
    return active


def end_run(status: str = "FINISHED") -> None:
    """End the current run; without one nothing happens."""
    going_on = _RUNS.get()
    if going_on:
        _RUNS.set(going_on[:-1])
        client().set_terminated(going_on[-1].info.run_id, status)


def active_run() -> ActiveRun | None:
    """The current run of this thread, as it was when it began."""
    going_on = _RUNS.get()
    return going_on[-1] if going_on else None


def last_active_run() -> Run | None:
    """The run that is going on, or that was begun last."""
    current = active_run()
    found = current.info.run_id if current else _STATE.last_run_id
    return None if found is None else client().get_run(found)


def _experiment_called(client: MlflowClient, name: str) -> Experiment:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found
    try:
        return client.get_experiment(client.create_experiment(name))
    except AlreadyExists:
        # Another process has entered it since we looked.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found


def experiment_of(client: MlflowClient) -> str:
    if _STATE.experiment_id is not None:
        return _STATE.experiment_id
    if os.environ.get(EXPERIMENT_NAME):
        return _experiment_called(client, os.environ[EXPERIMENT_NAME]).experiment_id
    return os.environ.get(EXPERIMENT_ID) or _DEFAULT


def _go_on(client: MlflowClient, run_id: str, tags: Mapping[str, Any] | None) -> Run:
    run = client.get_run(run_id)
    if run.info.lifecycle_stage != "active":
        raise Conflict(f"the run {run_id} is deleted; restore it before you go on with it")
    client.update_run(run_id, status="RUNNING")
    if tags:
        client.tracking.store.log_batch(run_id, tags=tags)
    return client.get_run(run_id)


def current_run_id() -> str:
    """The current run's id; one is begun where there is none, as people's scripts expect."""
    current = active_run() or start_run()
    return current.info.run_id
