"""Logged models, as MLflow's JSON tells them."""

from typing import Any

from modelpack.tracking.records import LoggedModel, Metric
from modelpack.tracking.server.telling import kept, told_metric, told_pairs


def told_logged_model(model: LoggedModel) -> dict[str, Any]:
    """A logged model."""
    info: dict[str, Any] = {
        "model_id": model.model_id,
        "experiment_id": model.experiment_id,
        "name": model.name,
        "creation_timestamp_ms": model.creation_timestamp_ms,
        "last_updated_timestamp_ms": model.last_updated_timestamp_ms,
        "artifact_uri": model.artifact_uri,
        "status": model.status,
    }
    more = kept(
        creator_id=model.creator_id,
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        status_message=model.status_message,
        tags=told_pairs(model.tags),
    )
    data = kept(
        params=told_pairs(model.params),
        metrics=[_told_metric(one) for one in model.metrics],
    )
    return {"info": info | more, "data": data}


def _told_metric(one: Metric) -> dict[str, Any]:
    """A point, and of what it was measured."""
    more = kept(model_id=one.model_id, dataset_name=one.dataset_name, dataset_digest=one.dataset_digest)
    return told_metric(one, run_id=one.run_id) | more
