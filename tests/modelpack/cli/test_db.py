"""The verb ``db``: the tables, looked at and brought up to this version."""

import shutil
from pathlib import Path

import pytest

from modelpack.sql import Address, Database, Schema
from tests.modelpack.cli.conftest import Verb


@pytest.fixture
def older(tmp_path: Path) -> str:
    """The URI of a database with the tables of an older version."""
    folder = tmp_path / "migrations"
    shutil.copytree(Schema().folder, folder, ignore=shutil.ignore_patterns("0003_*", "__pycache__"))
    uri = f"sqlite:///{tmp_path / 'older.db'}"
    Database(Address.find(uri, environ={}), schema=Schema(head="0002", folder=folder)).close()
    return uri


def test_a_status_makes_nothing(verb: Verb, tmp_path: Path) -> None:
    answer = verb("db", "status")
    assert answer.code == 0
    assert "no tables yet" in answer.out
    assert "(from the default)" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_an_upgrade_of_nothing_makes_the_tables_and_the_next_one_changes_nothing(verb: Verb) -> None:
    assert f"of schema {Schema().head}" in verb("db", "upgrade").out
    assert "already" in verb("db", "upgrade").out
    head = Schema().head
    told = verb("db", "upgrade", "--json").json
    assert (told["before"], told["after"]) == (head, head)
    assert verb("db", "status", "--json").json["schema"] == head
    assert "which this version wants" in verb("db", "status").out


def test_an_older_database_is_refused_told_of_and_upgraded(verb: Verb, older: str) -> None:
    refused = verb("models", "list", "--registry", older)
    assert refused.code == 1
    assert "modelpack db upgrade" in refused.err
    told = verb("db", "status", "--backend-store-uri", older)
    assert told.code == 0
    assert f"have schema 0002, and this version wants {Schema().head}" in told.out
    answer = verb("db", "upgrade", "--backend-store-uri", older)
    assert f"went from schema 0002 to {Schema().head}" in answer.out
    assert verb("models", "list", "--registry", older).code == 0


def test_a_newer_database_is_left_alone(verb: Verb, older: str) -> None:
    database = Database(Address.find(older, environ={}), upgrade=True)
    database.write(
        lambda connection: connection.exec_driver_sql("UPDATE modelpack_schema SET version_num = '0999'")
    )
    database.close()
    assert "of a newer modelpack" in verb("db", "status", "--backend-store-uri", older).out
    answer = verb("db", "upgrade", "--backend-store-uri", older)
    assert answer.code == 1
    assert "newer modelpack" in answer.err


@pytest.mark.parametrize("command", ["status", "upgrade"])
def test_what_is_no_database_is_refused_by_the_name_of_the_option(verb: Verb, command: str) -> None:
    answer = verb("db", command, "--backend-store-uri", "redis://x")
    assert answer.code == 1
    assert answer.err.startswith("Error: --backend-store-uri")


def test_the_verb_of_old_is_gone(verb: Verb) -> None:
    assert verb("models", "upgrade").code == 2
