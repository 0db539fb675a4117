"""What is logged in a run: params, points of metrics, tags, inputs, and models in the older way."""

import re
from collections.abc import Mapping
from typing import Any, Final

from modelpack.errors import InvalidName, shorten
from modelpack.tracking.model_history import add_to_history
from modelpack.tracking.records import Dataset, DatasetInput, Metric
from modelpack.tracking.server.call import Call, Endpoint, missing
from modelpack.tracking.server.routes.runs import run_id_of
from modelpack.tracking.sql_logged_models import SqlLoggedModels

_LARGEST_BATCH: Final = 1_000_000
"""Bytes; MLflow 3.17's limit."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(NaN|nan|Infinity|inf)", re.ASCII)


def log_metric(call: Call) -> Mapping[str, Any]:
    """One point of a metric."""
    call.parts.tracking.log_batch(run_id_of(call), metrics=[_point(call.given, "")])
    return {}


def log_parameter(call: Call) -> Mapping[str, Any]:
    """One param."""
    call.parts.tracking.log_batch(run_id_of(call), params={call.required("key"): call.text("value")})
    return {}


def set_tag(call: Call) -> Mapping[str, Any]:
    """One tag."""
    call.parts.tracking.log_batch(run_id_of(call), tags={call.required("key"): call.text("value")})
    return {}


def delete_tag(call: Call) -> Mapping[str, Any]:
    """Take a tag away."""
    call.parts.tracking.delete_tag(run_id_of(call), call.required("key"))
    return {}


def log_batch(call: Call) -> Mapping[str, Any]:
    """All of it, or nothing."""
    run_id = run_id_of(call)
    params = call.pairs("params")
    if len(params) < len(call.items("params")):
        raise InvalidName("Duplicate parameter keys have been submitted; send each param once")
    points = [_point(one, f"metrics[{place}].") for place, one in enumerate(call.items("metrics"))]
    call.parts.tracking.log_batch(run_id, metrics=points, params=params, tags=call.pairs("tags"))
    return {}


def _point(given: Mapping[str, Any], where: str) -> Metric:
    for name in ("key", "value", "timestamp"):
        if given.get(name) in (None, ""):
            raise missing(where + name)
    key = given["key"]
    if not isinstance(key, str):
        raise InvalidName(f"Invalid value {shorten(repr(key), 60)} for parameter '{where}key' supplied")
    value, step = given["value"], given.get("step")
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise InvalidName(
                f"Got invalid value {shorten(repr(value), 60)} for metric '{shorten(key, 60)}': give a number"
            )
        value = float(value)
    return Metric(
        key, value, _whole(given["timestamp"]), 0 if step is None else _whole(step), **_measured(given, where)
    )


def _measured(given: Mapping[str, Any], where: str) -> dict[str, str]:
    """Of which model, on which data, where the point tells so."""
    found = {}
    for name in ("model_id", "dataset_name", "dataset_digest"):
        value = given.get(name) or ""
        if not isinstance(value, str):
            raise InvalidName(f"'{where}{name}' is text, not {type(value).__name__}")
        found[name] = value
    return found


def _whole(value: Any) -> Any:
    """*value*, where Protocol Buffers' JSON has a number as text; what it may be is for the store to say."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def log_model(call: Call) -> Mapping[str, Any]:
    """Note that a model lies among the files of a run, as clients before 3.0 do."""
    call.parts.database.write(
        lambda connection: add_to_history(connection, run_id_of(call), call.required("model_json"))
    )
    return {}


def log_inputs(call: Call) -> Mapping[str, Any]:
    """The datasets, and the logged models, that a run has used."""
    run_id = run_id_of(call)
    found = [_input(one, place) for place, one in enumerate(call.items("datasets"))]
    models = []
    for place, one in enumerate(call.items("models")):
        if not isinstance(one.get("model_id"), str) or not one["model_id"]:
            raise missing(f"models[{place}].model_id")
        models.append(one["model_id"])
    if found or not models:
        call.parts.tracking.log_inputs(run_id, found)
    if models:
        SqlLoggedModels(call.parts.database).log_model_inputs(run_id, models)
    return {}


def _input(given: Mapping[str, Any], place: int) -> DatasetInput:
    told, tags = given.get("dataset"), given.get("tags")
    if not isinstance(told, dict):
        raise missing(f"datasets[{place}].dataset")
    fields = {}
    for name in ("name", "digest", "source_type", "source", "schema", "profile"):
        value = told.get(name)
        if value in (None, "") and name in ("name", "digest", "source_type", "source"):
            raise missing(f"datasets[{place}].dataset.{name}")
        if not isinstance(value, str | None):
            raise InvalidName(f"'datasets[{place}].dataset.{name}' is text, not {type(value).__name__}")
        fields[name] = value or ""
    if not isinstance(tags, list | None):
        raise InvalidName(f"'datasets[{place}].tags' is a list, not {type(tags).__name__}")
    kept = {}
    for one in tags or ():
        key, value = (one.get("key"), one.get("value", "")) if isinstance(one, dict) else (None, "")
        if not isinstance(key, str) or not key or not isinstance(value, str):
            raise missing(f"datasets[{place}].tags.key")
        kept[key] = value
    return DatasetInput(dataset=Dataset(**fields), tags=kept)


ENDPOINTS = (
    Endpoint("POST", "runs/log-metric", log_metric, "write"),
    Endpoint("POST", "runs/log-parameter", log_parameter, "write"),
    Endpoint("POST", "runs/set-tag", set_tag, "write"),
    Endpoint("POST", "runs/delete-tag", delete_tag, "write"),
    Endpoint("POST", "runs/log-batch", log_batch, "write", largest=_LARGEST_BATCH),
    Endpoint("POST", "runs/log-model", log_model, "write"),
    Endpoint("POST", "runs/log-inputs", log_inputs, "write"),
)
