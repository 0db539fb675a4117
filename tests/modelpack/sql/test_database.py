"""Transactions are all or nothing, durable, patient, and do not keep readers waiting."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from modelpack.errors import NotFound, StoreUnavailable
from modelpack.sql import Address, Database

BOTH = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    if request.param == "sqlite":
        return Address.find(f"sqlite:///{tmp_path / 'a.db'}", environ={})
    return Address.find(request.getfixturevalue("postgres_uri"), environ={})


@pytest.fixture
def database(address: Address) -> Iterator[Database]:
    database = Database(address, patience=5)
    yield database
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def embedded(file: Path, *, patience: float = 5) -> Database:
    return Database(Address.find(f"sqlite:///{file}", environ={}), patience=patience)


def add(connection: Connection, name: str) -> None:
    statement = text("INSERT INTO modelpack_models VALUES (DEFAULT, :name, '', 1, 1, 0)")
    if connection.dialect.name == "sqlite":
        statement = text("INSERT INTO modelpack_models VALUES (NULL, :name, '', 1, 1, 0)")
    connection.execute(statement, {"name": name})


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(text("SELECT name FROM modelpack_models ORDER BY name")))


@pytest.mark.parametrize("address", BOTH, indirect=True)
def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def act(connection: Connection) -> None:
        add(connection, "a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(act)
    database.write(lambda connection: add(connection, "b"))
    assert names(database) == ["b"]


@pytest.mark.parametrize("address", BOTH, indirect=True)
def test_a_reader_is_not_blocked_by_a_writer_and_sees_one_instant(database: Database) -> None:
    wrote, read = threading.Event(), threading.Event()

    def act(connection: Connection) -> None:
        add(connection, "a")
        wrote.set()
        assert read.wait(5)

    writer = threading.Thread(target=lambda: database.write(act))
    with database.read() as connection:
        count = text("SELECT count(*) FROM modelpack_models")
        assert connection.scalar(count) == 0
        writer.start()
        assert wrote.wait(5)
        assert names(database) == []
        read.set()
        writer.join(5)
        assert names(database) == ["a"]
        assert connection.scalar(count) == 0


@pytest.mark.parametrize("address", BOTH[1:], indirect=True)
def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="read-only"), database.read() as connection:
        add(connection, "a")


def test_sqlite_is_set_to_keep_what_it_has_acknowledged(file: Path) -> None:
    database = embedded(file)
    with database.read() as connection:
        met = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()
    assert met == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_writers_take_their_turn_before_they_read(file: Path) -> None:
    database = embedded(file)
    other = sqlite3.connect(file, timeout=0, isolation_level=None)

    def act(_: Connection) -> None:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    database.write(act)
    other.close()
    database.close()


def test_a_database_that_stays_busy_is_unavailable_within_the_patience(file: Path) -> None:
    database = embedded(file, patience=0.3)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="busy"):
        database.write(lambda connection: add(connection, "a"))
    assert time.monotonic() - start < 3
    assert names(database) == []
    other.execute("ROLLBACK")
    database.write(lambda connection: add(connection, "a"))
    other.close()
    database.close()


def test_a_thread_that_stays_busy_makes_the_others_give_up(file: Path) -> None:
    database = embedded(file, patience=0.3)
    began, done = threading.Event(), threading.Event()

    def act(_: Connection) -> None:
        began.set()
        assert done.wait(5)

    slow = threading.Thread(target=lambda: database.write(act))
    slow.start()
    assert began.wait(5)
    with pytest.raises(StoreUnavailable, match="busy"):
        database.write(lambda connection: add(connection, "a"))
    done.set()
    slow.join(5)
    database.close()


@pytest.mark.postgres
def test_a_row_that_stays_locked_is_unavailable_within_the_patience(postgres_uri: str) -> None:
    address = Address.find(postgres_uri, environ={})
    first, second = Database(address), Database(address, patience=0.3)
    first.write(lambda connection: add(connection, "a"))
    lock = text("SELECT * FROM modelpack_models FOR UPDATE")

    def act(connection: Connection) -> None:
        connection.execute(lock)
        with pytest.raises(StoreUnavailable, match="busy"):
            second.write(lambda other: other.execute(lock))

    first.write(act)
    first.close()
    second.close()


@pytest.mark.postgres
def test_writers_that_wait_for_each_other_are_run_again(postgres_uri: str) -> None:
    database = Database(Address.find(postgres_uri, environ={}))
    database.write(lambda connection: add(connection, "a"))
    database.write(lambda connection: add(connection, "b"))
    both = threading.Barrier(2)
    runs: list[str] = []

    def change(first: str, second: str) -> None:
        met = False

        def act(connection: Connection) -> None:
            nonlocal met
            runs.append(first)
            update = text("UPDATE modelpack_models SET newest = newest + 1 WHERE name = :name")
            connection.execute(update, {"name": first})
            if not met:
                met = True
                both.wait(5)
            connection.execute(update, {"name": second})

        database.write(act)

    threads = [threading.Thread(target=change, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with database.read() as connection:
        assert list(connection.scalars(text("SELECT newest FROM modelpack_models"))) == [2, 2]
    assert len(runs) == 3
    database.close()


@pytest.mark.postgres
def test_a_server_that_was_restarted_is_met_again(postgres_uri: str) -> None:
    database = Database(Address.find(postgres_uri, environ={}))
    database.write(lambda connection: add(connection, "a"))
    with database.read() as connection:
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
    other = Database(Address.find(postgres_uri, environ={}))
    other.write(lambda connection: connection.execute(text(f"SELECT pg_terminate_backend({mine})")))
    assert names(database) == ["a"]
    database.close()
    other.close()


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://me:secret@127.0.0.1:1/db",
        "postgresql://me:secret@127.0.0.1:1/db?connect_timeout=2",
        "postgresql://me:secret@/db?host=/nowhere",
    ],
)
def test_a_server_that_does_not_answer_is_unavailable_and_no_password_is_shown(uri: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        Database(Address.find(uri, environ={}))
    assert "secret" not in str(caught.value)
    assert "SELECT" not in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_no_message_holds_sql(file: Path) -> None:
    database = embedded(file)
    with pytest.raises(StoreUnavailable) as caught, database.read() as connection:
        connection.execute(text("SELECT secret FROM modelpack_models"))
    assert "SELECT" not in str(caught.value)
    database.close()


def test_a_file_that_is_no_database_is_unavailable_and_left_alone(file: Path) -> None:
    file.write_bytes(b"not a database, and longer than a header of one" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreUnavailable, match="not a database"):
        embedded(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("place", ["file/registry.db", "folder"])
def test_a_place_that_can_hold_no_file_is_unavailable(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreUnavailable):
        embedded(tmp_path / place)


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    embedded(tmp_path / "a" / "b" / "c%20d" / "registry.db").close()
    assert (tmp_path / "a" / "b" / "c%20d" / "registry.db").is_file()


def test_nothing_is_made_unless_asked(file: Path) -> None:
    with pytest.raises(NotFound, match="modelpack register"):
        Database(Address.find(f"sqlite:///{file}", environ={}), create=False)
    assert not file.parent.joinpath("a.db").exists()
    file.touch()
    with pytest.raises(NotFound):
        Database(Address.find(f"sqlite:///{file}", environ={}), create=False)
    assert file.read_bytes() == b""


FORKING = """
import os, sys
from sqlalchemy import text
from modelpack.sql import Address, Database

database = Database(Address.find(sys.argv[1], environ={}))
more = text("UPDATE modelpack_models SET newest = newest + 1")
one = "INSERT INTO modelpack_models (name, description, created, updated, newest) VALUES ('a', '', 1, 1, 0)"
database.write(lambda connection: connection.execute(text(one)))
assert database._engine.pool.checkedin() > 0
children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        assert database._engine.pool.checkedin() == 0
        for _ in range(10):
            database.write(lambda connection: connection.execute(more))
        os._exit(0)
    children.append(child)
for _ in range(10):
    database.write(lambda connection: connection.execute(more))
codes = [os.waitpid(child, 0)[1] for child in children]
with database.read() as connection:
    print(codes, connection.scalar(text("SELECT newest FROM modelpack_models")))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("address", BOTH, indirect=True)
def test_a_process_may_fork_while_the_database_is_idle(address: Address) -> None:
    uri = str(address) if address.file else address.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", FORKING, uri], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[0, 0, 0, 0] 50"), done.stderr
