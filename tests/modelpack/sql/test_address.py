"""The database of a registry is chosen by an argument, the environment, or the person's folder."""

from pathlib import Path

import pytest

from modelpack.errors import InvalidUri
from modelpack.sql import Address


def test_the_first_that_is_set_decides(tmp_path: Path) -> None:
    environ = {
        "MODELPACK_HOME": str(tmp_path),
        "MLFLOW_TRACKING_URI": "sqlite:////tracking.db",
        "MLFLOW_REGISTRY_URI": "sqlite:////registry.db",
        "MODELPACK_REGISTRY_URI": "sqlite:////ours.db",
    }
    chosen = [str(Address.find("sqlite:////given.db", environ=environ).file)]
    for variable in ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"):
        address = Address.find(None, environ=environ)
        assert address.origin == variable
        chosen.append(str(address.file))
        environ[variable] = ""
    assert chosen == ["/given.db", "/ours.db", "/registry.db", "/tracking.db"]
    assert Address.find(None, environ=environ).file == tmp_path / "registry.db"


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://u:p@host:5433/db?sslmode=require",
        "postgres://u:p@host:5433/db?sslmode=require",
        "postgresql+psycopg://u:p@host:5433/db?sslmode=require",
        "postgresql+psycopg2://u:p@host:5433/db?sslmode=require",
        "POSTGRESQL://u:p@host:5433/db?sslmode=require",
    ],
)
def test_every_way_to_write_postgresql_means_psycopg(uri: str) -> None:
    address = Address.find(uri, environ={})
    assert address.dialect == "postgresql"
    assert address.file is None
    assert address.url.drivername == "postgresql+psycopg"
    assert (address.url.host, address.url.port, address.url.database) == ("host", 5433, "db")
    assert address.url.query == {"sslmode": "require"}


def test_a_relative_file_is_fixed_when_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = Address.find("sqlite:///here.db", environ={})
    monkeypatch.chdir("/")
    assert address.file == tmp_path / "here.db"


def test_a_password_is_not_shown() -> None:
    assert "secret" not in str(Address.find("postgresql://u:secret@host/db", environ={}))


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://localhost:5000", "remote MLflow server"),
        ("https://user:secret@mlflow.example", "remote MLflow server"),
        ("databricks", "no database"),
        ("databricks://profile", "remote MLflow server"),
        ("file:///mlruns", "file:…"),
        ("./mlruns", "./mlruns"),
        ("/srv/mlruns", "/srv/mlruns"),
        ("mysql://u:secret@host/db", "mysql:…"),
        ("mssql+pyodbc://u:secret@host/db", "mssql+pyodbc:…"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///x.db?mode=ro", "names no file"),
        ("sqlite://host/x.db", "names no file"),
        ("postgresql://u:secret@host:port/db", "no database URL"),
        ("sqlite:x", "names no file"),
        ("sqlite:///x\0", "names no file"),
        ("x" * 10_000, "no database"),
    ],
)
@pytest.mark.parametrize("variable", [None, "MLFLOW_TRACKING_URI"])
def test_what_is_no_database_is_refused_and_says_whence_it_came(
    uri: str, said: str, variable: str | None
) -> None:
    environ = {variable: uri} if variable else {}
    with pytest.raises(InvalidUri) as caught:
        Address.find(None if variable else uri, environ=environ)
    message = str(caught.value)
    assert said in message
    assert (variable or "the registry URI") in message
    assert "secret" not in message
    assert len(message) <= 300


def test_an_empty_argument_is_no_database() -> None:
    with pytest.raises(InvalidUri):
        Address.find("", environ={})


@pytest.mark.parametrize("uri", ["http://localhost:5000", "file:///mlruns"])
def test_a_refusal_says_how_to_get_past_mlflows_variables(uri: str) -> None:
    with pytest.raises(InvalidUri, match="set MODELPACK_REGISTRY_URI"):
        Address.find(None, environ={"MLFLOW_TRACKING_URI": uri})


def test_a_password_in_the_query_is_not_shown_either() -> None:
    address = Address.find("postgresql://ada@host/db?password=hidden&options=x", environ={})
    assert str(address) == "postgresql+psycopg://ada@host/db"
    assert address.url.query["password"] == "hidden"
