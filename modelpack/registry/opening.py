"""The two halves of a registry, by what its URI means: names in a store, and the files behind them."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelpack.artifacts import LocalArtifacts
from modelpack.artifacts.root import ArtifactRoot
from modelpack.errors import MissingDependency, Unsupported, shorten
from modelpack.registry.address import server_of
from modelpack.registry.bucket_files import BucketFiles
from modelpack.registry.files import FolderFiles, VersionFiles
from modelpack.registry.store import RegistryStore
from modelpack.remote.address import ServerAddress


def open_parts(
    uri: str | None,
    environ: Mapping[str, str],
    *,
    artifacts: Path | str | None,
    user: str,
    create: bool,
    upgrade: bool,
) -> tuple[RegistryStore, VersionFiles]:
    """The store and the files of *uri*, or of the registry that *environ* names; see Registry."""
    address = server_of(uri, environ)
    if address is not None:
        if upgrade:
            raise Unsupported(
                f"the tables of {shorten(str(address), 120)} are MLflow's own; upgrade them there"
            )
        return _of_server(address, environ, user, is_given=uri is not None)
    store = _of_database(uri, environ, user, create=create, upgrade=upgrade)
    root = ArtifactRoot.read(environ, artifacts)
    if root.is_bucket:
        return store, BucketFiles(root.text, environ)
    return store, FolderFiles(LocalArtifacts(root.folder))


def _of_server(
    address: ServerAddress, environ: Mapping[str, str], user: str, *, is_given: bool
) -> tuple[RegistryStore, VersionFiles]:
    # By name: an HTTP library is for those who have a server.
    remote: Any = importlib.import_module("modelpack.registry.rest")
    store, files = remote.open_server(address, environ, user=user, is_given=is_given)
    return store, files


def _of_database(
    uri: str | None, environ: Mapping[str, str], user: str, *, create: bool, upgrade: bool
) -> RegistryStore:
    # By name: a database library is for those who have a database.
    try:
        sql: Any = importlib.import_module("modelpack.sql")
        sql_store: Any = importlib.import_module("modelpack.registry.sql_store")
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise MissingDependency("a registry", package="sqlalchemy", extra="registry") from error
    database = sql.Database(sql.Address.find(uri, environ=environ), create=create, upgrade=upgrade)
    store: RegistryStore = sql_store.SqlStore(database, user=user)
    return store
