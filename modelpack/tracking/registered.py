"""Registered models under MLflow's names for their fields, as people's scripts read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelpack.registry import records


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version; *version* is text, as in MLflow. Times are milliseconds since 1970, UTC."""

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    current_stage: str
    description: str
    user_id: str
    source: str
    run_id: str
    status: str
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[str] = ()

    @classmethod
    def of(cls, one: records.ModelVersion) -> "ModelVersion":
        """The same version under these names."""
        return cls(
            name=one.name,
            version=str(one.version),
            creation_timestamp=one.created,
            last_updated_timestamp=one.updated,
            current_stage=one.stage,
            description=one.description,
            user_id=one.user,
            source=one.source,
            run_id=one.run_id,
            status=one.status,
            tags=dict(one.tags),
            aliases=list(one.aliases),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A name and what it stands for. Times are milliseconds since 1970, UTC."""

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str
    latest_versions: Sequence[ModelVersion] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, one: records.RegisteredModel) -> "RegisteredModel":
        """The same model under these names."""
        return cls(
            name=one.name,
            creation_timestamp=one.created,
            last_updated_timestamp=one.updated,
            description=one.description,
            latest_versions=[ModelVersion.of(version) for version in one.latest],
            tags=dict(one.tags),
            aliases={alias: str(version) for alias, version in one.aliases.items()},
        )


class PagedList(list):  # type: ignore[type-arg]  # an item's type is the search's
    """A page of a search; *token* asks for the next one, and is None on the last."""

    def __init__(self, items: Sequence[object], token: str | None) -> None:
        super().__init__(items)
        self.token = token
