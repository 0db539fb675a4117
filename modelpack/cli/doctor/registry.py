"""The registry: whether its database can be reached, and is of this version."""

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.cli.doctor.waiting import within
from modelpack.errors import NotFound, StoreUnavailable, shorten
from modelpack.registry.address import server_of

_MAKE = "modelpack register makes one"
_UPGRADE = "stop its other users, back it up, then run: modelpack db upgrade"


def look(patient: Patient) -> Iterator[Finding]:
    """The database that the environment names; a server is looked at elsewhere. Nothing is made."""
    if server_of(None, patient.environ) is not None:
        return
    try:
        sql: Any = importlib.import_module("modelpack.sql")
        schema: Any = importlib.import_module("modelpack.sql.schema")
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        yield Finding("registry", "warning", "no library for databases", 'pip install "modelpack[registry]"')
        return
    address = sql.Address.find(None, environ=patient.environ)
    where = f"{address} (from {address.origin})"
    if address.file is not None:
        yield _of_file(address.file, where, head=schema.Schema().head, table=schema.VERSION_TABLE)
        return

    def reach() -> None:
        with closing(sql.Database(address, create=False, patience=patient.deadline)):
            pass

    try:
        within(patient.deadline, reach, f"the database {address}")
    except NotFound:
        yield Finding("registry", "warning", f"{where} is there, and has no registry yet", _MAKE)
    else:
        yield Finding("registry", "ok", f"{where}, schema {schema.Schema().head}")


def _of_file(file: Path, where: str, *, head: str, table: str) -> Finding:
    if not file.exists():
        return Finding("registry", "ok", f"{where} is not there yet", _MAKE)
    try:
        with closing(_reading(file)) as database:
            (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            schema = None
            if table in names:
                (schema,) = database.execute(f"SELECT max(version_num) FROM {table}").fetchone()  # noqa: S608 - a constant
    except sqlite3.Error as error:
        return Finding("registry", "problem", f"{where} cannot be read: {shorten(str(error), 120)}", _RESTORE)
    if state != "ok":
        return Finding("registry", "problem", f"{where} is damaged: {shorten(str(state), 120)}", _RESTORE)
    return _of_schema(where, schema, names, head)


_RESTORE = "bring it back from a backup, or set MODELPACK_REGISTRY_URI to another"


def _of_schema(where: str, schema: str | None, names: set[str], head: str) -> Finding:
    if schema is None and {"alembic_version", "experiments"} <= names:
        return Finding(
            "registry",
            "problem",
            f"{where} is MLflow's own database, which is left alone",
            "set MODELPACK_REGISTRY_URI to sqlite:///FILE; modelpack import-mlflow brings its models",
        )
    if schema is None:
        return Finding("registry", "ok", f"{where} has no registry yet", _MAKE)
    if schema == head:
        return Finding("registry", "ok", f"{where}, schema {schema}")
    told = f"{where} has the schema {shorten(schema, 20)}, and this version wants {head}"
    do = _UPGRADE if schema < head else "install the newer modelpack that made it"
    return Finding("registry", "problem", told, do)


def _reading(file: Path) -> sqlite3.Connection:
    """*file*, so that no file is made beside it, as SQLite does where its log is not open already."""
    logs = [file.with_name(file.name + end) for end in ("-wal", "-shm")]
    how = "mode=ro" if all(one.exists() for one in logs) else "mode=ro&immutable=1"
    if not file.is_file():
        raise StoreUnavailable(f"{file} is no file")
    return sqlite3.connect(f"file:{quote(str(file))}?{how}", uri=True, timeout=2)
