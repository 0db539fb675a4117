"""What an MLflow server tells of models and versions, as records."""

from collections.abc import Mapping
from typing import Any, Final

from modelpack.errors import StoreUnavailable
from modelpack.registry.records import ModelVersion, Move, RegisteredModel

DIGEST: Final = "modelpack.digest"
LOCATION: Final = "modelpack.location"
USER: Final = "modelpack.user"
OURS: Final = frozenset({DIGEST, LOCATION, USER})
"""Tags of a version in which we keep what a server has no field for."""

Told = Mapping[str, Any]


def model_of(told: Told) -> RegisteredModel:
    """A registered model."""
    try:
        versions = tuple(version_of(one) for one in told.get("latest_versions", ()))
        return RegisteredModel(
            name=told["name"],
            description=told.get("description") or "",
            tags=_tags(told),
            created=int(told.get("creation_timestamp", 0)),
            updated=int(told.get("last_updated_timestamp", 0)),
            latest=tuple(sorted(versions, key=lambda one: one.version)),
            aliases={one["alias"]: int(one["version"]) for one in told.get("aliases", ())},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("the server tells of a model in a way of its own; is it MLflow's?") from error


def version_of(told: Told) -> ModelVersion:
    """A version. *digest* is empty for what was not registered by this toolkit.

    What a team server of ours tells of itself goes before what the tags say, which anybody may write.
    """
    try:
        tags = _tags(told)
        source = told.get("source") or ""
        return ModelVersion(
            name=told["name"],
            version=int(told["version"]),
            stage=told.get("current_stage") or "None",
            source=source,
            digest=_first(told.get("modelpack", {}).get("digest"), tags.pop(DIGEST, "")),
            location=tags.pop(LOCATION, source),
            run_id=told.get("run_id") or "",
            description=told.get("description") or "",
            aliases=tuple(sorted(told.get("aliases", ()))),
            created=int(told.get("creation_timestamp", 0)),
            updated=int(told.get("last_updated_timestamp", 0)),
            status=told.get("status") or "READY",
            user=_first(told.get("user_id"), tags.pop(USER, "")),
            tags=tags,
            run_link=told.get("run_link") or "",
            model_id=told.get("model_id") or "",
            status_message=told.get("status_message") or "",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable(
            "the server tells of a version in a way of its own; is it MLflow's?"
        ) from error


def move_of(told: Told) -> Move:
    """A move, as our own server tells it."""
    try:
        return Move(
            name=told["name"],
            version=int(told["version"]),
            kind=told["kind"],
            alias=told.get("alias"),
            before=told.get("before"),
            after=told.get("after"),
            user=told.get("user", ""),
            at=int(told["at"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("the server tells of a move in a way of its own") from error


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """*tags* as a server takes them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def _first(known: str | None, claimed: str) -> str:
    return known or claimed


def _tags(told: Told) -> dict[str, str]:
    return {one["key"]: one.get("value", "") for one in told.get("tags", ())}
