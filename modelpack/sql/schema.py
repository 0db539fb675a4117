"""The tables a database has, against those this version wants: made once, changed only when asked.

Many processes may open one fresh database at the same instant: one makes the tables, the others wait.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from modelpack.errors import InvalidUri, MissingDependency, NotFound, StoreUnavailable, shorten
from modelpack.sql.address import Address

VERSION_TABLE: Final = "modelpack_schema"
"""Alembic's own name would meet that of MLflow's database."""

_MLFLOW: Final = frozenset({"alembic_version", "experiments", "registered_models"})
_LOCK: Final = 0x6D6F64656C7061
"""The advisory lock of PostgreSQL under which tables are made."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A folder of Alembic migrations. *head* is the newest of them; their names sort by age."""

    head: str = "0003"
    folder: Path = Path(__file__).parent / "migrations"

    def wants_work(self, connection: Connection, address: Address, *, upgrade: bool) -> bool:
        """Whether tables are to be made, or brought to *head*.

        Raises StoreUnavailable when they are newer than *head*, or older without *upgrade*.
        """
        installed = _installed(connection)
        if installed is None or installed == self.head:
            return installed is None
        if installed > self.head:
            raise StoreUnavailable(
                f"the database {address} was made by a newer modelpack (schema {shorten(installed, 20)}, "
                f"this one knows {self.head}); install that version"
            )
        if not upgrade:
            raise StoreUnavailable(
                f"the database {address} is of an older modelpack (schema {shorten(installed, 20)}, "
                f"this one wants {self.head}); stop its other users, back it up, then "
                "run: modelpack db upgrade"
            )
        return True

    def installed(self, connection: Connection, address: Address) -> str | None:
        """The schema that the database has, None for none; InvalidUri when it is MLflow's own."""
        found = _installed(connection)
        if found is None:
            self.require_ours(connection, address)
        return found

    def require_ours(self, connection: Connection, address: Address) -> None:
        """Raise InvalidUri when the database is MLflow's own: that one is never touched."""
        names = set(inspect(connection).get_table_names())
        if "alembic_version" in names and len(names & _MLFLOW) > 1:
            raise InvalidUri(
                f"{address} (from {address.origin}) is MLflow's own database, which is left alone; set "
                "MODELPACK_REGISTRY_URI to a database of its own, such as sqlite:///registry.db"
            )

    def install(self, connection: Connection) -> None:
        """Bring the tables up to *head*, inside the transaction of *connection*."""
        # Alembic takes 0.2 s to import and is needed once in a database's life: a framework, inside its verb.
        try:
            from alembic import command
            from alembic.config import Config
        except ModuleNotFoundError as error:
            raise MissingDependency("making a registry", package="alembic", extra="registry") from error

        config = Config()
        # The folder's name is text for a ConfigParser, in which a % is doubled.
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        config.attributes["version_table"] = VERSION_TABLE
        command.upgrade(config, "head")


def absent(address: Address) -> NotFound:
    """What to raise when there is no registry, and none may be made."""
    return NotFound(
        "registry", str(address), hint=f"it comes from {address.origin}; `modelpack register` makes one"
    )


@contextmanager
def alone(address: Address, patience: float) -> Iterator[None]:
    """Be the only process that makes or changes the tables of an embedded database.

    The lock is an empty database beside it: SQLite waits with a limit on every system, and the lock of a
    killed process is gone with it. A shared database has a lock of its own, see alone_in.
    """
    if address.file is None:
        yield
        return
    with closing(_connect(address.file.with_name(address.file.name + ".lock"), patience)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"cannot lock {address} to make its tables: {error}") from error
        _keep_a_log(address.file, patience)
        yield


def alone_in(connection: Connection) -> None:
    """The same for a shared database, until the end of the transaction of *connection*."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _keep_a_log(file: Path, patience: float) -> None:
    """Turn on SQLite's write-ahead log, for good: readers are not blocked by a writer.

    SQLite asks nobody to wait for this one step, so it is tried again while others look at the file.
    """
    deadline = time.monotonic() + patience
    while True:
        with closing(_connect(file, patience)) as connection:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise StoreUnavailable(f"cannot prepare the database {file}: {error}") from error
                mode = None
        if mode == "wal":
            return
        if mode is not None:
            raise StoreUnavailable(
                f"the file system of {file} cannot hold SQLite's log; choose a local disk, or PostgreSQL"
            )
        time.sleep(0.02)


def _connect(file: Path, patience: float) -> sqlite3.Connection:
    try:
        return sqlite3.connect(file, timeout=patience, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"cannot open the database {file}: {error}") from error


def _installed(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT max(version_num) FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
