"""What an MLflow server tells of experiments and runs, as records; and records as it wants to be told."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from modelpack.errors import StoreUnavailable
from modelpack.tracking.records import (
    Dataset,
    DatasetInput,
    Experiment,
    Lifecycle,
    Metric,
    ModelInput,
    ModelOutput,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    Status,
)

Told = Mapping[str, Any]


def experiment_of(told: Told) -> Experiment:
    """An experiment. Raises StoreUnavailable for what is told in another way."""
    try:
        return Experiment(
            experiment_id=str(told["experiment_id"]),
            name=str(told["name"]),
            artifact_location=str(told.get("artifact_location") or ""),
            lifecycle_stage=cast("Lifecycle", told.get("lifecycle_stage", "active")),
            creation_time=int(told.get("creation_time", 0)),
            last_update_time=int(told.get("last_update_time", 0)),
            tags=_pairs(told.get("tags", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("an experiment") from error


def run_of(told: Told) -> Run:
    """A run, whole. Raises StoreUnavailable for what is told in another way."""
    try:
        data, inputs, outputs = told.get("data", {}), told.get("inputs", {}), told.get("outputs", {})
        points = [metric_of(one) for one in data.get("metrics", ())]
        return Run(
            info=info_of(told["info"]),
            data=RunData(
                metrics={one.key: one.value for one in points},
                params=_pairs(data.get("params", ())),
                tags=_pairs(data.get("tags", ())),
                points=points,
            ),
            inputs=RunInputs(
                dataset_inputs=[_input_of(one) for one in inputs.get("dataset_inputs", ())],
                model_inputs=[ModelInput(str(one["model_id"])) for one in inputs.get("model_inputs", ())],
            ),
            outputs=RunOutputs(
                model_outputs=[
                    ModelOutput(str(one["model_id"]), int(one.get("step", 0)))
                    for one in outputs.get("model_outputs", ())
                ]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("a run") from error


def info_of(told: Told) -> RunInfo:
    """What a run is. Raises StoreUnavailable for what is told in another way."""
    try:
        ended = told.get("end_time")
        return RunInfo(
            run_id=str(told["run_id"]),
            run_name=str(told.get("run_name") or ""),
            experiment_id=str(told["experiment_id"]),
            user_id=str(told.get("user_id") or ""),
            status=cast("Status", told.get("status", "RUNNING")),
            start_time=int(told.get("start_time", 0)),
            end_time=None if ended is None else int(ended),
            artifact_uri=str(told.get("artifact_uri") or ""),
            lifecycle_stage=cast("Lifecycle", told.get("lifecycle_stage", "active")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("a run") from error


def metric_of(told: Told) -> Metric:
    """A point; what is no number is told as the text ``NaN``."""
    key, value = str(told["key"]), float(told["value"])
    timestamp, step = int(told.get("timestamp", 0)), int(told.get("step", 0))
    if not told.get("model_id"):
        return Metric(key, value, timestamp, step)
    return Metric(
        key,
        value,
        timestamp,
        step,
        model_id=str(told["model_id"]),
        dataset_name=str(told.get("dataset_name") or ""),
        dataset_digest=str(told.get("dataset_digest") or ""),
        run_id=str(told.get("run_id") or ""),
    )


def told_metric(one: Metric) -> dict[str, Any]:
    """A point as JSON can hold it."""
    value: float | str = one.value
    if math.isnan(one.value):
        value = "NaN"
    elif math.isinf(one.value):
        value = "Infinity" if one.value > 0 else "-Infinity"
    told = {"key": one.key, "value": value, "timestamp": one.timestamp, "step": one.step}
    more = {
        "model_id": one.model_id,
        "dataset_name": one.dataset_name,
        "dataset_digest": one.dataset_digest,
    }
    return told | {name: text for name, text in more.items() if text}


def told_pairs(given: Mapping[str, str]) -> list[dict[str, str]]:
    """Params or tags."""
    return [{"key": key, "value": value} for key, value in given.items()]


def told_input(one: DatasetInput) -> dict[str, Any]:
    """A dataset as a run has used it."""
    names = ("name", "digest", "source_type", "source", "schema", "profile")
    dataset = {name: getattr(one.dataset, name) for name in names if getattr(one.dataset, name)}
    return {"dataset": dataset, "tags": told_pairs(one.tags)}


def _input_of(told: Told) -> DatasetInput:
    one = told["dataset"]
    return DatasetInput(
        dataset=Dataset(
            name=one["name"],
            digest=one["digest"],
            source_type=one.get("source_type", ""),
            source=one.get("source", ""),
            schema=one.get("schema", ""),
            profile=one.get("profile", ""),
        ),
        tags=_pairs(told.get("tags", ())),
    )


def _pairs(told: Iterable[Told]) -> dict[str, str]:
    return {str(one["key"]): str(one.get("value", "")) for one in told}


def _strange(what: str) -> StoreUnavailable:
    return StoreUnavailable(f"the server tells of {what} in a way of its own; is it MLflow's?")
