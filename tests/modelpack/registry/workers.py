"""What other processes do to a registry in the tests."""

import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from modelpack import Registry
from modelpack.directory import open_directory
from modelpack.errors import StoreUnavailable
from modelpack.registry.blobs import keep, location_of
from modelpack.registry.files import FolderFiles
from modelpack.registry.records import ModelVersion
from modelpack.registry.sql_store import SqlStore
from modelpack.registry.store import Expected
from modelpack.sql import Address, Database, Schema
from tests.modelpack.registry.directories import write_model

NAME = "churn"


class PromotesInTwoSteps(SqlStore):
    """A broken store: for an instant two versions are in Production."""

    def promote(
        self, name: str, version: int, stage: str, *, archive_existing: bool, expected: Expected
    ) -> ModelVersion:
        others = [one.version for one in self.latest_versions(name, [stage])]
        promoted = super().promote(name, version, stage, archive_existing=False, expected=expected)
        # As long as a busy disk may take; without it, luck would decide whether a kill falls in between.
        time.sleep(0.02)
        for other in others:
            if other != version and archive_existing:
                super().promote(name, other, "Archived", archive_existing=False, expected=expected)
        return promoted


class EntersTheVersionFirst(Registry):
    """A broken registry: for an instant there is a version without files."""

    def register(self, ref: object, name: str, **given: object) -> ModelVersion:
        directory = open_directory(Path(str(ref)))
        location = location_of(directory.digest)
        version = self._store.create_version(
            name,
            source="",
            digest=directory.digest,
            location=location,
            run_id="",
            description="",
            tags={},
        )
        assert isinstance(self._files, FolderFiles)
        keep(directory, self._files.artifacts)
        return version


def _sound(uri: str, root: Path) -> Registry:
    return Registry(uri, artifacts=root)


def _two_steps(uri: str, root: Path) -> Registry:
    registry = Registry(uri, artifacts=root)
    registry._store = PromotesInTwoSteps(Database(Address.find(uri, environ={})), user="me")
    return registry


def _version_first(uri: str, root: Path) -> Registry:
    return EntersTheVersionFirst(uri, artifacts=root)


KINDS: dict[str, Callable[[str, Path], Registry]] = {
    "sound": _sound,
    "two steps": _two_steps,
    "version first": _version_first,
}


def open_database(uri: str) -> str:
    """Open *uri*, made if need be, and answer the version of its tables."""
    database = Database(Address.find(uri, environ={}))
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM modelpack_schema").scalar_one()
    database.close()
    return str(version)


def upgrade_database(uri: str) -> str:
    """Bring *uri* up to this version, and answer the version of its tables."""
    Database(Address.find(uri, environ={}), upgrade=True).close()
    return open_database(uri)


def install_without_a_lock(uri: str, folder: Path) -> str:
    """Upgrade the tables of *folder*, minding nobody else, and answer what was said against it."""
    try:
        database = Database(Address.find(uri, environ={}), schema=Schema(head="0002", folder=folder))
    except StoreUnavailable as error:
        return str(error)  # another one was done before this one had looked
    try:
        database.write(Schema().install)
    except StoreUnavailable as error:
        return str(error)
    finally:
        database.close()
    return ""


def register(uri: str, root: Path, model: Path, name: str) -> int:
    """Register *model*, and answer its number."""
    with Registry(uri, artifacts=root) as registry:
        return registry.register(model, name).version


def register_on_a_full_disk(uri: str, root: Path, model: Path, name: str) -> str:
    """Register *model* where no file may grow beyond 100,000 bytes, and answer what was said."""
    with Registry(uri, artifacts=root) as registry:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            registry.register(model, name)
        except StoreUnavailable as error:
            return str(error)
        return "registered"


def register_and_promote(kind: str, uri: str, root: Path, times: int) -> list[int]:
    """Register a model of its own and promote it, *times* times; answer the numbers."""
    numbers = []
    with tempfile.TemporaryDirectory() as folder, KINDS[kind](uri, root) as registry:
        model = write_model(Path(folder) / "model", str(os.getpid()).encode())
        for _ in range(times):
            version = registry.register(model, NAME).version
            registry.promote(NAME, version, "Production", archive_existing=True)
            numbers.append(version)
    return numbers


def bear_writers(kind: str, uri: str, root: Path, parent: Connection) -> None:
    """Fork a writer for every folder and seed that *parent* sends; answer its number, and how it ended.

    The first answer, unasked, is how many seconds a writer takes for one of everything.
    The registry is warm and closed, as forking closes idle connections: a writer writes at once.
    """
    with tempfile.TemporaryDirectory() as folder, KINDS[kind](uri, root) as registry:
        model = write_model(Path(folder) / "model")
        _cycle(registry, model)
        start = time.monotonic()
        if (child := os.fork()) == 0:
            _cycle(registry, model)
            os._exit(0)
        os.waitpid(child, 0)
        parent.send(time.monotonic() - start)
        while (task := parent.recv()) is not None:
            if (child := os.fork()) == 0:
                write_until_killed(registry, *task)
                os._exit(1)
            parent.send(child)
            parent.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def write_until_killed(registry: Registry, folder: Path, seed: int) -> None:
    """Register, promote, move an alias and delete, over and over; log each as soon as it is acknowledged."""
    chance = random.Random(seed)
    folder.mkdir()
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for turn in range(100_000):
        model = write_model(folder / str(turn), f"{seed} {turn}".encode() * 100)
        version = registry.register(model, NAME)
        os.write(log, f"registered {version.version} {version.digest}\n".encode())
        registry.promote(NAME, version.version, "Production", archive_existing=True)
        os.write(log, f"promoted {version.version}\n".encode())
        if chance.random() < 0.5:
            registry.set_alias(NAME, "champion", version.version)
            os.write(log, f"aliased {version.version}\n".encode())
        if chance.random() < 0.2:
            os.write(log, f"deleting {version.version}\n".encode())
            registry.delete_version(NAME, version.version)
            os.write(log, f"deleted {version.version}\n".encode())


def _cycle(registry: Registry, model: Path) -> None:
    version = registry.register(model, "warm").version
    registry.promote("warm", version, "Production", archive_existing=True)
    registry.set_alias("warm", "champion", version)
    registry.delete_version("warm", version)
