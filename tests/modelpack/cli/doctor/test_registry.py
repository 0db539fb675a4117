"""The registry's database, of every age and none."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import modelpack
from modelpack.cli.doctor import registry
from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.errors import StoreUnavailable


def look(uri: str) -> Finding:
    (found,) = registry.look(Patient(environ={"MODELPACK_REGISTRY_URI": uri}, deadline=1.0))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("registry") / "registry.db"
    with closing(modelpack.Registry(f"sqlite:///{file}")):
        pass
    return file


def changed(made: Path, folder: Path, statement: str) -> str:
    file = folder / "r%20?#.db"
    shutil.copy(made, file)
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement)
        database.commit()
        database.execute("PRAGMA journal_mode = DELETE")
    return str(file)


def test_a_registry_of_this_version(made: Path) -> None:
    found = look(f"sqlite:///{made}")
    assert found.state == "ok"
    assert "(from MODELPACK_REGISTRY_URI), schema 00" in found.told


@pytest.mark.parametrize(
    ("schema", "do"), [("0000", "modelpack db upgrade"), ("9999", "install the newer modelpack")]
)
def test_a_registry_of_another_version(made: Path, tmp_path: Path, schema: str, do: str) -> None:
    statement = f"UPDATE modelpack_schema SET version_num = '{schema}'"
    shutil.copy(made, tmp_path / "r.db")
    with closing(sqlite3.connect(tmp_path / "r.db")) as database:
        database.execute(statement)
        database.commit()
    found = look(f"sqlite:///{tmp_path / 'r.db'}")
    assert found.state == "problem"
    assert f"has the schema {schema}" in found.told
    assert do in found.do


def test_a_database_of_mlflows(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "m.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num)")
        database.execute("CREATE TABLE experiments (id)")
    found = look(f"sqlite:///{tmp_path / 'm.db'}")
    assert found.state == "problem"
    assert "MLflow's own" in found.told
    assert "import-mlflow" in found.do


def test_a_database_of_nobody(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "n.db")) as database:
        database.execute("CREATE TABLE other (id)")
    assert "has no registry yet" in look(f"sqlite:///{tmp_path / 'n.db'}").told


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "x.db"
    if content is None:
        file.mkdir()
        with pytest.raises(StoreUnavailable, match="is no file"):
            look(f"sqlite:///{file}")
        return
    file.write_bytes(content)
    found = look(f"sqlite:///{file}")
    assert found.state == "problem"
    assert "not a database" in found.told


def test_a_damaged_database(made: Path, tmp_path: Path) -> None:
    content = bytearray(made.read_bytes())
    content[5000:] = b"\xff" * len(content[5000:])
    (tmp_path / "d.db").write_bytes(content)
    found = look(f"sqlite:///{tmp_path / 'd.db'}")
    assert found.state == "problem"
    assert "backup" in found.do


def test_a_name_with_odd_characters_is_the_file_that_is_meant(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "r%20#é.db"
    shutil.copy(made, file)
    assert look(f"sqlite:///{file}").state == "ok"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_server_is_not_looked_at_here() -> None:
    environ = {"MODELPACK_REGISTRY_URI": "http://127.0.0.1:9"}
    assert list(registry.look(Patient(environ=environ))) == []
