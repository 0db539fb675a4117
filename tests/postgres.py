"""A real PostgreSQL server for the tests that need one."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

_START_LIMIT = 30.0


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server that lives as long as this run, without the name of a database.

    It is the machine's PostgreSQL, or the one that pgserver brings. Where there is neither, the tests that
    need it are skipped; with MODELPACK_TEST_REQUIRE_ALL=1 they fail. It writes to the disk as in earnest: a
    commit has been synced.
    """
    with _machines_server() as address:
        if address is not None:
            yield address
            return
    with _bundled_server() as address:
        yield address


@pytest.fixture
def postgres_uri(postgres_server: str) -> str:
    """The address of a schema without tables, which is as good as a database of its own, and sooner made."""
    return fresh_uri(postgres_server)


def fresh_uri(postgres_server: str) -> str:
    """The address of a new schema on *postgres_server*."""
    address = postgres_server.format(database="postgres")
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{address}{'&' if '?' in address else '?'}options=-csearch_path%3D{name}"


@contextmanager
def _machines_server() -> Iterator[str | None]:
    binaries = _binaries()
    if binaries is None or (os.getuid() == 0 and not _knows_user("postgres")):
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    try:
        _run(
            binaries / "initdb",
            "-D",
            folder / "data",
            "-A",
            "trust",
            "-U",
            "postgres",
            "--no-sync",
            "-E",
            "UTF8",
        )
        process, port = _start(binaries, folder)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/{{database}}"
        finally:
            # "Immediate": nobody reads these files again.
            process.send_signal(signal.SIGQUIT)
            process.wait(_START_LIMIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    on_path = shutil.which("initdb")
    if homes:
        return homes[-1]
    return Path(on_path).resolve().parent if on_path else None


def _start(binaries: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "max_connections": 200,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", *options],
                stdout=log,
                stderr=log,
                **_identity(),
            )
        if _answers(process, port):
            return process, port
        process.wait(_START_LIMIT)
    raise RuntimeError(f"PostgreSQL does not start: {(folder / 'log').read_text()[-2_000:]}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_LIMIT
    while process.poll() is None:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                process.kill()
                raise
            time.sleep(0.05)
        else:
            return True
    return False


@contextmanager
def _bundled_server() -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            # It looks for a folder of the person's as it is imported, and warns where there is none.
            warnings.simplefilter("ignore")
            from pgserver.postgres_server import get_server
    except ModuleNotFoundError:
        _missing("no PostgreSQL: neither the machine's (with a user postgres) nor the package pgserver")
    folder = Path(tempfile.mkdtemp(prefix="pgserver-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("/postgres?", "/{database}?")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _missing(what: str) -> NoReturn:
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(what)
    pytest.skip(what)


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **_identity()
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")


def _knows_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
