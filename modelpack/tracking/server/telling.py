"""Experiments and runs as MLflow's JSON tells them: what is empty is left out."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelpack.tracking.records import Dataset, DatasetInput, Experiment, Metric, Run, RunInfo

Tell = Callable[[str], str]
"""What is told of a place: see ServerFiles.tell."""


def told_experiment(experiment: Experiment, tell: Tell) -> dict[str, Any]:
    """An experiment."""
    told: dict[str, Any] = {
        "experiment_id": experiment.experiment_id,
        "name": experiment.name,
        "artifact_location": tell(experiment.artifact_location),
        "lifecycle_stage": experiment.lifecycle_stage,
        "creation_time": experiment.creation_time,
        "last_update_time": experiment.last_update_time,
    }
    return told | kept(tags=told_pairs(experiment.tags))


def told_run(run: Run, tell: Tell) -> dict[str, Any]:
    """A run, with the newest point of each metric."""
    data = kept(
        metrics=[told_metric(one) for one in run.data.points],
        params=told_pairs(run.data.params),
        tags=told_pairs(run.data.tags),
    )
    inputs = kept(
        dataset_inputs=[told_input(one) for one in run.inputs.dataset_inputs],
        model_inputs=[{"model_id": one.model_id} for one in run.inputs.model_inputs],
    )
    outputs = kept(
        model_outputs=[{"model_id": one.model_id, "step": one.step} for one in run.outputs.model_outputs]
    )
    told: dict[str, Any] = {"info": told_info(run.info, tell), "data": data, "inputs": inputs}
    return told | kept(outputs=outputs)


def told_info(info: RunInfo, tell: Tell) -> dict[str, Any]:
    """What a run is; its id under both of its names."""
    told: dict[str, Any] = {
        "run_id": info.run_id,
        "run_uuid": info.run_id,
        "run_name": info.run_name,
        "experiment_id": info.experiment_id,
        "user_id": info.user_id,
        "status": info.status,
        "start_time": info.start_time,
        "artifact_uri": tell(info.artifact_uri),
        "lifecycle_stage": info.lifecycle_stage,
    }
    return told if info.end_time is None else told | {"end_time": info.end_time}


def told_metric(metric: Metric, *, run_id: str = "") -> dict[str, Any]:
    """One point; with *run_id* where those of several runs are told together."""
    told: dict[str, Any] = {
        "key": metric.key,
        "value": told_number(metric.value),
        "timestamp": metric.timestamp,
        "step": metric.step,
    }
    return told | kept(
        run_id=run_id or metric.run_id,
        model_id=metric.model_id,
        dataset_name=metric.dataset_name,
        dataset_digest=metric.dataset_digest,
    )


def told_input(one: DatasetInput) -> dict[str, Any]:
    """A dataset as a run has used it."""
    return kept(tags=told_pairs(one.tags)) | {"dataset": told_dataset(one.dataset)}


def told_dataset(dataset: Dataset) -> dict[str, Any]:
    """A dataset."""
    told: dict[str, Any] = {
        "name": dataset.name,
        "digest": dataset.digest,
        "source_type": dataset.source_type,
        "source": dataset.source,
    }
    return told | kept(schema=dataset.schema, profile=dataset.profile)


def told_pairs(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    """Params or tags, by key."""
    return [{"key": key, "value": value} for key, value in sorted(pairs.items())]


def told_page(name: str, items: Iterable[Any], token: str | None) -> dict[str, Any]:
    """Some of what a search found, and the token of the next page if there is one."""
    return kept(**{name: list(items)}, next_page_token=token)


def told_number(value: float) -> float | str:
    """*value*, or the word that Protocol Buffers' JSON has for it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def kept(**fields: Any) -> dict[str, Any]:
    """Those of *fields* that are not empty."""
    return {name: value for name, value in fields.items() if value}
