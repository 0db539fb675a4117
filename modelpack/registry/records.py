"""What a registry answers: names, versions, moves, pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Kind = Literal["stage", "alias"]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model. Its files, and so *digest* and *location*, never change.

    *source* is the reference it was registered from, *location* the place of its files below the artifact
    root, *user* who registered it. *run_link* leads to the run on its own server, *model_id* names a logged
    model of MLflow 3. Times are milliseconds since 1970, UTC.
    """

    name: str
    version: int
    stage: str
    source: str
    digest: str
    location: str
    run_id: str
    description: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    created: int
    updated: int
    status: str
    user: str
    run_link: str = ""
    model_id: str = ""
    status_message: str = ""


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A name in the registry. *latest* holds its highest version in each stage, *aliases* version numbers."""

    name: str
    description: str
    tags: Mapping[str, str]
    created: int
    updated: int
    latest: tuple[ModelVersion, ...]
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Move:
    """That *user* moved a stage or an alias of *name*, *at* a millisecond since 1970, UTC.

    A stage: *version* went from stage *before* to stage *after*, which is None when the version was deleted.
    An alias: *alias* went from version *before* to version *after*, as digits, None where there was none;
    *version* is the one it went to, or the one it left when it was deleted.
    """

    name: str
    version: int
    kind: Kind
    alias: str | None
    before: str | None
    after: str | None
    user: str
    at: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of what a search found. *next_token* brings the next page; None says that this is the last."""

    items: tuple[T, ...]
    next_token: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
