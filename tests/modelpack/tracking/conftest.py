"""Tracking stores to test, each fresh: in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.sql import Address, Database
from modelpack.tracking.sql_store import SqlTrackingStore
from tests.postgres import fresh_uri

STORES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlTrackingStore]:
    """A store without anything in it but the experiment that is always there."""
    uri = f"sqlite:///{tmp_path / 'tracking.db'}"
    if request.param == "postgresql":
        uri = str(request.getfixturevalue("postgres_uri"))
    opened = SqlTrackingStore(Database(Address.of(uri, "the test")), root="file:///files")
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=STORES)
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlTrackingStore]:
    """A store for all tests of a module, which only look at it."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('tracking') / 'tracking.db'}"
    if request.param == "postgresql":
        uri = fresh_uri(request.getfixturevalue("postgres_server"))
    opened = SqlTrackingStore(Database(Address.of(uri, "the test")), root="file:///files")
    yield opened
    opened.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with nothing of MLflow's or ours in the environment."""
    for name in (
        "MLFLOW_TRACKING_URI",
        "MLFLOW_REGISTRY_URI",
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_RUN_ID",
        "MODELPACK_TRACKING_URI",
        "MODELPACK_REGISTRY_URI",
        "MODELPACK_ARTIFACT_ROOT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
