"""Logged models, as MLflow's JSON tells them."""

from typing import Any

from modelpack.tracking.records import LoggedModel
from modelpack.tracking.server.telling import Tell, kept, told_metric, told_pairs


def told_logged_model(model: LoggedModel, tell: Tell) -> dict[str, Any]:
    """A logged model."""
    info: dict[str, Any] = {
        "model_id": model.model_id,
        "experiment_id": model.experiment_id,
        "name": model.name,
        "creation_timestamp_ms": model.creation_timestamp_ms,
        "last_updated_timestamp_ms": model.last_updated_timestamp_ms,
        "artifact_uri": tell(model.artifact_uri),
        "status": model.status,
    }
    more = kept(
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        status_message=model.status_message,
        tags=told_pairs(model.tags),
        # MLflow's creator_id is a number, over which its clients stumble if it is a name.
        modelpack=kept(user=model.creator_id),
    )
    data = kept(
        params=told_pairs(model.params),
        metrics=[told_metric(one) for one in model.metrics],
    )
    return {"info": info | more, "data": data}
