"""What is registered, as MLflow's JSON tells it: what is empty is left out, versions are text."""

from typing import Any

from modelpack.registry.records import ModelVersion, Move, RegisteredModel
from modelpack.tracking.server.telling import Tell, kept, told_pairs


def told_model(model: RegisteredModel, tell: Tell) -> dict[str, Any]:
    """A registered model."""
    told: dict[str, Any] = {
        "name": model.name,
        "creation_timestamp": model.created,
        "last_updated_timestamp": model.updated,
    }
    aliases = sorted(model.aliases.items())
    return told | kept(
        description=model.description,
        latest_versions=[told_version(one, tell) for one in model.latest],
        tags=told_pairs(model.tags),
        aliases=[{"alias": alias, "version": str(version)} for alias, version in aliases],
    )


def told_version(version: ModelVersion, tell: Tell) -> dict[str, Any]:
    """A version. ``modelpack`` holds what MLflow has no field for; its clients do not look there."""
    told: dict[str, Any] = {
        "name": version.name,
        "version": str(version.version),
        "creation_timestamp": version.created,
        "last_updated_timestamp": version.updated,
        "current_stage": version.stage,
        "description": version.description,
        "source": tell(version.source),
        "run_id": version.run_id,
        "run_link": version.run_link,
        "status": version.status,
    }
    return told | kept(
        user_id=version.user,
        model_id=version.model_id,
        status_message=version.status_message,
        tags=told_pairs(version.tags),
        aliases=list(version.aliases),
        modelpack=kept(digest=version.digest, location=version.location),
    )


def told_move(move: Move) -> dict[str, Any]:
    """A move of a stage or an alias."""
    told: dict[str, Any] = {
        "name": move.name,
        "version": str(move.version),
        "kind": move.kind,
        "at": move.at,
        "user": move.user,
    }
    more = {"alias": move.alias, "before": move.before, "after": move.after}
    return told | {name: value for name, value in more.items() if value is not None}
