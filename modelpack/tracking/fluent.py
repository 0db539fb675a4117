"""The face that scripts know: calls that log to the current run, search, and register."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from modelpack.errors import InvalidName, shorten
from modelpack.tracking.client_of_runs import now
from modelpack.tracking.current import (
    ActiveRun,
    active_run,
    client,
    current_run_id,
    end_run,
    experiment_of,
    get_registry_uri,
    get_tracking_uri,
    last_active_run,
    set_experiment,
    set_registry_uri,
    set_tracking_uri,
    start_run,
)
from modelpack.tracking.records import DatasetInput, Experiment, FileInfo, Metric, Run, ViewType
from modelpack.tracking.registered import ModelVersion
from modelpack.tracking.rules import MOST_METRICS, MOST_PARAMS, MOST_TAGS, number

__all__ = [
    "ActiveRun",
    "active_run",
    "create_experiment",
    "delete_experiment",
    "delete_run",
    "delete_tag",
    "end_run",
    "get_experiment",
    "get_experiment_by_name",
    "get_parent_run",
    "get_registry_uri",
    "get_run",
    "get_tracking_uri",
    "last_active_run",
    "list_artifacts",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_input",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_text",
    "register_model",
    "search_experiments",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_experiment",
    "set_experiment_tag",
    "set_registry_uri",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
]


def create_experiment(
    name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None
) -> str:
    """Enter an experiment, and tell its id. Raises AlreadyExists."""
    return client().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str) -> Experiment:
    """One experiment. Raises NotFound."""
    return client().get_experiment(experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of that name, deleted or not; None when there is none."""
    return client().get_experiment_by_name(name)


def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """All experiments for which the filter holds, or the first *max_results*."""
    place = client()

    def ask(size: int, token: str | None) -> Any:
        return place.search_experiments(view_type, size, filter_string, order_by, token)

    return _all_pages(ask, max_results)


def delete_experiment(experiment_id: str) -> None:
    """Hide an experiment and its runs."""
    client().delete_experiment(experiment_id)


def get_run(run_id: str) -> Run:
    """One run. Raises NotFound."""
    return client().get_run(run_id)


def get_parent_run(run_id: str) -> Run | None:
    """The run that this one is nested in, if it is."""
    return client().get_parent_run(run_id)


def delete_run(run_id: str) -> None:
    """Hide a run."""
    client().delete_run(run_id)


def log_param(key: str, value: Any) -> Any:
    """Log one input of the current run. Raises Conflict where it has another value already."""
    return client().log_param(current_run_id(), key, value)


def log_params(params: Mapping[str, Any], run_id: str | None = None) -> None:
    """Log inputs of a run."""
    store, run = client().tracking.store, run_id or current_run_id()
    for part in _parts(list(params.items()), MOST_PARAMS):
        store.log_batch(run, params=dict(part))


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Log one point of a run."""
    client().log_metric(run_id or current_run_id(), key, value, timestamp, step)


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Log a point of each of several metrics, all at one time and step."""
    at = now() if timestamp is None else timestamp
    points = [Metric(key, number(key, value), at, step or 0) for key, value in metrics.items()]
    store, run = client().tracking.store, run_id or current_run_id()
    for part in _parts(points, MOST_METRICS):
        store.log_batch(run, metrics=part)


def set_tag(key: str, value: Any) -> None:
    """Note something about the current run."""
    client().set_tag(current_run_id(), key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Note several things about the current run."""
    store, run = client().tracking.store, current_run_id()
    for part in _parts(list(tags.items()), MOST_TAGS):
        store.log_batch(run, tags=dict(part))


def delete_tag(key: str) -> None:
    """Take a tag off the current run."""
    client().delete_tag(current_run_id(), key)


def set_experiment_tag(key: str, value: Any) -> None:
    """Note something about the current experiment."""
    place = client()
    place.set_experiment_tag(experiment_of(place), key, value)


def log_input(dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None) -> None:
    """Note that the current run has used *dataset*, for example as its ``"training"`` data."""
    noted = {**(tags or {}), **({"mlflow.data.context": context} if context else {})}
    client().log_inputs(current_run_id(), [DatasetInput(dataset=dataset, tags=noted)])


def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Keep a copy of a file, or of a folder under its name, with a run."""
    client().log_artifact(run_id or current_run_id(), local_path, artifact_path)


def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Keep copies of all files of a folder with a run."""
    client().log_artifacts(run_id or current_run_id(), local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Keep *text* as a file of a run."""
    client().log_text(run_id or current_run_id(), text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a value as a JSON or YAML file of a run."""
    client().log_dict(run_id or current_run_id(), dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str) -> None:
    """Keep a figure with the current run."""
    client().log_figure(current_run_id(), figure, artifact_file)


def list_artifacts(run_id: str, artifact_path: str | None = None) -> list[FileInfo]:
    """What lies directly in a folder of a run."""
    return client().list_artifacts(run_id, artifact_path)


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> Any:
    """Runs for which the filter holds, as a DataFrame (``metrics.f1``, ``params.depth``, …) or a list.

    Of the current experiment, unless others are named. Raises InvalidFilter.
    """
    place = client()
    if search_all_experiments:
        ids = [one.experiment_id for one in search_experiments(ViewType.ALL)]
    elif experiment_names:
        found = [place.get_experiment_by_name(name) for name in experiment_names]
        ids = [one.experiment_id for one in found if one is not None]
    else:
        ids = list(experiment_ids or [experiment_of(place)])

    def ask(size: int, token: str | None) -> Any:
        return place.search_runs(ids, filter_string, run_view_type, size, order_by, token)

    runs: list[Run] = _all_pages(ask, max_results)
    if output_format == "list":
        return runs
    if output_format != "pandas":
        raise InvalidName(f"runs come as 'pandas' or 'list', not {shorten(repr(output_format), 40)}")
    return _frame(runs)


def register_model(
    model_uri: str,
    name: str,
    await_registration_for: int | None = None,
    *,
    tags: Mapping[str, Any] | None = None,
) -> ModelVersion:
    """Register the model at *model_uri* (``runs:/…``, ``models:/…``, a place) as the next version of *name*.

    It is there when the call returns; *await_registration_for* is taken for the sake of scripts that give it.
    """
    return client().create_model_version(name, model_uri, tags=tags)


def search_registered_models(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Any]:
    """All registered models for which the filter holds, or the first *max_results*."""
    place = client()

    def ask(size: int, token: str | None) -> Any:
        return place.search_registered_models(filter_string, min(size, 1_000), order_by, token)

    return _all_pages(ask, max_results)


def search_model_versions(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Any]:
    """All versions for which the filter holds, or the first *max_results*."""
    place = client()

    def ask(size: int, token: str | None) -> Any:
        return place.search_model_versions(filter_string, size, order_by, token)

    return _all_pages(ask, max_results)


T = TypeVar("T")


def _parts(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _all_pages(ask: Callable[[int, str | None], Any], most: int | None) -> list[Any]:
    found: list[Any] = []
    token: str | None = None
    while most is None or len(found) < most:
        page = ask(1_000 if most is None else min(1_000, most - len(found)), token)
        found += page
        token = page.token
        if token is None:
            break
    return found


def _frame(runs: Sequence[Run]) -> Any:
    import pandas as pd

    rows = [
        {
            "run_id": run.info.run_id,
            "experiment_id": run.info.experiment_id,
            "status": run.info.status,
            "artifact_uri": run.info.artifact_uri,
            "start_time": pd.to_datetime(run.info.start_time, unit="ms", utc=True),
            "end_time": pd.NaT
            if run.info.end_time is None
            else pd.to_datetime(run.info.end_time, unit="ms", utc=True),
            **{f"metrics.{key}": value for key, value in run.data.metrics.items()},
            **{f"params.{key}": value for key, value in run.data.params.items()},
            **{f"tags.{key}": value for key, value in run.data.tags.items()},
        }
        for run in runs
    ]
    first = ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=first)
