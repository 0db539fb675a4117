"""What the tests of a registry store do again and again."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from modelpack.registry.records import ModelVersion, RegisteredModel
from modelpack.registry.store import NOT_GIVEN, Expected, RegistryStore

T = TypeVar("T")


def create(store: RegistryStore, name: str, *, description: str = "") -> RegisteredModel:
    """Enter *name*."""
    return store.create_model(name, description=description, tags={})


def extend(store: RegistryStore, name: str, *, description: str = "", **facts: str) -> ModelVersion:
    """Give *name* its next version."""
    # A source that every store takes: an MLflow server refuses paths of its own machine.
    given = {
        "source": "s3://bucket/model",
        "digest": "sha256:00",
        "location": "models/00",
        "run_id": "",
    } | facts
    return store.create_version(name, description=description, tags={}, **given)


def promote(
    store: RegistryStore,
    name: str,
    version: int,
    stage: str,
    *,
    archive: bool = False,
    expected: Expected = NOT_GIVEN,
) -> ModelVersion:
    """Move a version to a stage."""
    return store.promote(name, version, stage, archive_existing=archive, expected=expected)


def find(store: RegistryStore, where: str, *order_by: str) -> list[ModelVersion]:
    """Versions, on one page."""
    return list(store.search_versions(where, order_by=order_by, max_results=1_000, page_token=None))


def names_of(store: RegistryStore, where: str = "", *order_by: str) -> list[str]:
    """The names of models, on one page."""
    page = store.search_models(where, order_by=order_by, max_results=1_000, page_token=None)
    return [model.name for model in page]


def stages_of(store: RegistryStore, name: str) -> list[str]:
    """The stages of all versions of *name*, by number."""
    quoted = name.replace("'", "''")
    return [one.stage for one in find(store, f"name = '{quoted}'", "version_number")]


def tags_of(store: RegistryStore, name: str, version: int | None) -> dict[str, str]:
    """The tags of the model, or of one version of it."""
    return dict((store.get_model(name) if version is None else store.get_version(name, version)).tags)


def at_once(many: int, act: Callable[[int], T]) -> list[T]:
    """What *act* answers to 0, 1, … when *many* threads call it at the same instant."""
    gate = threading.Barrier(many)

    def one(number: int) -> T:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(one, range(many)))
