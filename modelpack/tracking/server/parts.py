"""What a server works on, opened once in each of its processes."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelpack.errors import StoreUnavailable
from modelpack.registry.sql_store import SqlStore
from modelpack.sql import Address, Database, Schema
from modelpack.tracking.server.files import ServerFiles
from modelpack.tracking.server.settings import ServerSettings
from modelpack.tracking.sql_store import SqlTrackingStore


@dataclass(frozen=True, slots=True)
class Parts:
    """One *database* with the runs and the registry in it, and the *files* of both."""

    settings: ServerSettings
    database: Database
    tracking: SqlTrackingStore
    files: ServerFiles

    @classmethod
    def open(cls, settings: ServerSettings, environ: Mapping[str, str]) -> "Parts":
        """Open what *settings* name, and make what is not there yet.

        Raises StoreUnavailable where the database cannot be reached, or is of an older modelpack.
        """
        database = Database(Address.of(settings.backend_store_uri, "--backend-store-uri"))
        try:
            files = ServerFiles.open(settings.artifact_root, environ)
        except BaseException:
            database.close()
            raise
        return cls(settings, database, SqlTrackingStore(database, root=files.runs_root), files)

    def registry(self, user: str) -> SqlStore:
        """The registry, on behalf of *user*."""
        return SqlStore(self.database, user=user)

    def check(self) -> None:
        """Look whether all of it is there. Raises StoreUnavailable, or what else is wrong with it."""
        file = self.database.address.file
        if file is not None and not file.is_file():
            # An open connection would not notice, and what it writes would be gone with it.
            raise StoreUnavailable(f"the database {self.database.address} is gone")
        with self.database.read() as connection:
            if Schema().wants_work(connection, self.database.address, upgrade=False):
                raise StoreUnavailable(f"the tables of {self.database.address} are gone")
        self.files.root.list("")

    def close(self) -> None:
        """Let go of connections."""
        self.database.close()
        self.files.close()
