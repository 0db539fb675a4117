"""The two halves of tracking, by what its URI means: runs in a store, and the files behind them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelpack import settings
from modelpack.artifacts.root import ArtifactRoot
from modelpack.errors import MissingDependency
from modelpack.remote.address import ServerAddress, is_server
from modelpack.tracking.files import RunFiles
from modelpack.tracking.store import TrackingStore

VARIABLES: Final = ("MODELPACK_TRACKING_URI", "MLFLOW_TRACKING_URI")
"""Read in this order; the first that is set and not empty decides."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """An open tracking store, and the *files* of its runs."""

    store: TrackingStore
    files: RunFiles

    def close(self) -> None:
        """Let go of connections."""
        self.store.close()
        self.files.close()


def tracking_uri(environ: Mapping[str, str]) -> tuple[str, str]:
    """What is tracked to, and the name of the variable that says so; the database of this person's folder."""
    for variable in VARIABLES:
        if environ.get(variable):
            return environ[variable], variable
    return f"sqlite:///{settings.home(environ) / 'registry.db'}", "the default"


def open_tracking(uri: str | None, environ: Mapping[str, str]) -> Tracking:
    """The tracking of *uri*, or what *environ* names: ``sqlite:///FILE``, ``postgresql://…``, ``http://…``.

    Raises InvalidUri for anything else, StoreUnavailable where it cannot be reached.
    """
    text, origin = (uri, "the tracking URI") if uri else tracking_uri(environ)
    if is_server(text):
        # By name: an HTTP library is for those who have a server.
        remote: Any = importlib.import_module("modelpack.tracking.rest_store")
        server = remote.open_server(ServerAddress.parse(text, origin), environ)
        return Tracking(remote.RestTrackingStore(server), RunFiles(environ, server))
    root = ArtifactRoot.read(environ)
    return Tracking(_of_database(text, origin, root.uri("runs")), RunFiles(environ, None))


def _of_database(text: str, origin: str, root: str) -> TrackingStore:
    try:
        sql: Any = importlib.import_module("modelpack.sql")
        sql_store: Any = importlib.import_module("modelpack.tracking.sql_store")
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise MissingDependency("tracking", package="sqlalchemy", extra="registry") from error
    database = sql.Database(sql.Address.of(text, origin))
    store: TrackingStore = sql_store.SqlTrackingStore(database, root=root)
    return store
