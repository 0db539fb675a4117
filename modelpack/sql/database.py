"""Transactions on one database: short, all or nothing, and patient with each other."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from modelpack.errors import MissingDependency, StoreUnavailable, shorten
from modelpack.files import make_folder
from modelpack.sql import schema as schemas
from modelpack.sql.address import Address
from modelpack.sql.schema import Schema

T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds to wait for other writers before StoreUnavailable."""
_ATTEMPTS: Final = 10
_TRY_AGAIN: Final = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization_failure and deadlock_detected: rolled back, and safe to do again."""
_BEGIN: Final = "modelpack_begin"

# SQLite's locks do not survive a fork: a connection that is open in the parent would make the child believe
# that it holds them. So the idle ones are closed before every fork, and opened again at the next use.
_OPEN: "weakref.WeakSet[Database]" = weakref.WeakSet()


class Database:
    """A database whose tables are those of *schema*.

    A fresh one gets them, or raises NotFound without *create*. An older one is refused by StoreUnavailable
    without *upgrade*, a newer one always. MLflow's own database is refused by InvalidUri. No message holds
    SQL or a password. Threads may share it, and processes may fork while it is idle.
    """

    def __init__(
        self,
        address: Address,
        *,
        create: bool = True,
        upgrade: bool = False,
        patience: float = PATIENCE,
        schema: Schema | None = None,
    ) -> None:
        if address.file is not None:
            _prepare_place(address.file, address, create=create)
        self._open(address, patience)
        try:
            self._settle(schema or Schema(), create=create, upgrade=upgrade)
        except BaseException:
            self.close()
            raise

    @classmethod
    def schema_of(cls, address: Address, *, patience: float = PATIENCE) -> str | None:
        """The schema that the database at *address* has, None for none yet. Nothing is made, or changed.

        Raises InvalidUri for MLflow's own database, StoreUnavailable for one that cannot be reached.
        """
        if address.file is not None and not address.file.exists():
            return None
        looking = cls.__new__(cls)
        looking._open(address, patience)  # noqa: SLF001 - an instance of this class, not settled
        try:
            with looking.read() as connection:
                return Schema().installed(connection, address)
        finally:
            looking.close()

    def _open(self, address: Address, patience: float) -> None:
        self.address = address
        self._patience = patience
        self._turn = threading.Lock()
        engine = _engine(address, patience)
        self._engine = engine
        if address.dialect == "sqlite":
            self._reading = engine
            self._writing = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        else:
            self._reading = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._writing = engine.execution_options(isolation_level="READ COMMITTED")
        _OPEN.add(self)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one instant from beginning to end, and that no writer blocks."""
        with self._translated(), self._reading.begin() as connection:
            yield connection

    def write(self, act: Callable[[Connection], T]) -> T:
        """Run *act* in a transaction of its own and commit it; what it returns is durable.

        *act* may run more than once: PostgreSQL can ask for that after a conflict between writers, and has
        undone the first run. Whatever *act* raises undoes all of it.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self._translated():
                    return self._write_once(act)
            except StoreUnavailable as error:
                if attempt == _ATTEMPTS - 1 or _state(error.__cause__) not in _TRY_AGAIN:
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def close(self) -> None:
        """Close the idle connections; the next use opens new ones."""
        self._engine.dispose()

    def _write_once(self, act: Callable[[Connection], T]) -> T:
        if self.address.dialect != "sqlite":
            with self._writing.begin() as connection:
                return act(connection)
        # SQLite has one writer at a time. Threads of one process queue here, woken in turn; processes meet
        # in BEGIN IMMEDIATE, where each sleeps and tries again.
        if not self._turn.acquire(timeout=self._patience):
            raise StoreUnavailable(f"the database {self.address} is busy; try again")
        try:
            with self._writing.begin() as connection:
                return act(connection)
        finally:
            self._turn.release()

    def _settle(self, schema: Schema, *, create: bool, upgrade: bool) -> None:
        with self.read() as connection:
            if not schema.wants_work(connection, self.address, upgrade=upgrade):
                return
            schema.require_ours(connection, self.address)
        if not create:
            raise schemas.absent(self.address)

        def install(connection: Connection) -> None:
            schemas.alone_in(connection)
            if schema.wants_work(connection, self.address, upgrade=upgrade):
                schema.install(connection)

        with schemas.alone(self.address, self._patience):
            self.write(install)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise StoreUnavailable(f"the database {self.address} is busy; try again") from error
        except DBAPIError as error:
            raise StoreUnavailable(self._said(error)) from error
        except SQLAlchemyError as error:
            raise StoreUnavailable(
                f"the database {self.address} cannot be used: {type(error).__name__}"
            ) from error

    def _said(self, error: DBAPIError) -> str:
        """What happened, in the driver's own words, which hold no SQL on their first line."""
        words = shorten(str(error.orig).partition("\n")[0], 120)
        if "locked" in words or _state(error) == "55P03":
            return f"the database {self.address} has been busy for {self._patience:g} s; try again"
        return f"the database {self.address} cannot be used: {words}"


def _prepare_place(file: Path, address: Address, *, create: bool) -> None:
    if file.exists():
        return
    if not create:
        raise schemas.absent(address)
    try:
        make_folder(file.parent)
    except OSError as error:
        raise StoreUnavailable(f"cannot make the folder of {address}: {error.strerror}") from error


def _engine(address: Address, patience: float) -> Engine:
    if address.dialect == "sqlite":
        engine = create_engine(
            address.url, connect_args={"timeout": patience}, pool_timeout=patience, max_overflow=30
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    arguments = {} if "connect_timeout" in address.url.query else {"connect_timeout": 10}
    try:
        engine = create_engine(
            address.url, connect_args=arguments, pool_pre_ping=True, pool_timeout=patience, max_overflow=30
        )
    except ModuleNotFoundError as error:
        raise MissingDependency("a registry in PostgreSQL", package="psycopg", extra="postgres") from error
    # Nobody waits for ever for a row: its holder may be a machine that has vanished.
    limit = f"SET lock_timeout = {round(patience * 1000)}"

    def prepare(connection: Any, _: object) -> None:
        connection.autocommit = True
        connection.execute(limit)
        connection.autocommit = False

    event.listen(engine, "connect", prepare)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver would begin transactions late and deferred, where waiting for another writer is impossible.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _state(error: BaseException | None) -> str | None:
    """PostgreSQL's five characters for what went wrong."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _before_fork() -> None:
    for database in list(_OPEN):
        database.close()


def _after_fork_in_child() -> None:
    for database in list(_OPEN):
        database._turn = threading.Lock()  # noqa: SLF001 - a thread that is not here may have held it


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
