"""An environment for each test, and models that may be registered."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sklearn.linear_model import LogisticRegression

import modelpack
from modelpack.cli import cli, run
from modelpack.directory import ModelDirectory
from modelpack.trust import Trust
from tests.compat.real_mlflow import NEWEST, require_mlflow, run_in_mlflow
from tests.modelpack.cli.conftest import Answer, Verb
from tests.remote.servers import OLDER, OLDEST, Bucket, Server, Servers, mlflow_servers_in, s3
from tests.team.servers import team_server

Enter = Callable[[Mapping[str, str]], None]


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    """An empty bucket of moto's server, which refuses whoever does not sign as its one user."""
    with s3() as found:
        yield found


@pytest.fixture(scope="session")
def mlflow_servers(
    postgres_server: str, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """Three servers, as Servers says; tests that need them are skipped, or fail, without real MLflow."""
    require_mlflow()
    require_mlflow(OLDER)
    with psycopg.connect(postgres_server.format(database="postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE of_mlflow")
    folder = tmp_path_factory.mktemp("mlflow-servers")
    # By name: without one, which driver is meant depends on the version of SQLAlchemy.
    address = postgres_server.format(database="of_mlflow").replace("postgresql://", "postgresql+psycopg2://")
    with mlflow_servers_in(folder, address, bucket) as all_of_them:
        yield all_of_them


@pytest.fixture(scope="session")
def mlflow_server(mlflow_servers: Servers) -> Server:
    """The one with SQLite, which hands artifacts on; some tests only read what is registered there."""
    return mlflow_servers.proxied


@pytest.fixture(scope="session")
def mlflow_on_postgres(mlflow_servers: Servers) -> Server:
    """The one with PostgreSQL, whose artifacts lie in the bucket."""
    return mlflow_servers.direct


@pytest.fixture
def enter(tmp_path: Path) -> Iterator[Enter]:
    """Let this process have a home of its own, the variables that are given, and none of MLflow's besides."""
    with pytest.MonkeyPatch.context() as patch:

        def one(environ: Mapping[str, str]) -> None:
            for name in [
                name for name in os.environ if name.startswith(("MLFLOW_", "AWS_", "AZURE_", "STORAGE_"))
            ]:
                patch.delenv(name)
            patch.delenv("MODELPACK_REGISTRY_URI", raising=False)
            patch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
            patch.setenv("MODELPACK_PATIENCE", "20")
            for name, value in environ.items():
                patch.setenv(name, value)

        one({})
        yield one


@pytest.fixture
def verb(enter: Enter, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs ``modelpack`` with the given words, in this test's environment."""

    def answer(*words: object) -> Answer:
        capsys.readouterr()
        code = run(cli, [str(word) for word in words], name="modelpack")
        return Answer(code, *capsys.readouterr())

    return answer


@pytest.fixture(scope="session")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Our own server, with SQLite and a folder, to which our clients speak as to MLflow's."""
    folder = tmp_path_factory.mktemp("team")
    with team_server(folder, f"sqlite:///{folder}/team.db", str(folder / "files")) as started:
        yield Server(started.url, started.environ)
        assert started.failures() == []


@pytest.fixture(params=["proxied", "direct", "older", "team"])
def server(request: pytest.FixtureRequest, mlflow_servers: Servers, enter: Enter) -> Server:
    """Each of the servers, named by the environment."""
    one: Server = (
        request.getfixturevalue("team") if request.param == "team" else getattr(mlflow_servers, request.param)
    )
    enter(one.environ)
    return one


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    """A saved classifier: 1 above 1.5, 0 below."""
    data = [[0.0], [1.0], [2.0], [3.0]]
    model = LogisticRegression(C=1e6).fit(data, [0, 0, 1, 1])
    return modelpack.save(model, tmp_path_factory.mktemp("saved") / "wine", input_example=np.array([[1.0]]))


@dataclass(frozen=True)
class Written:
    """What real MLflow wrote below *folder* and to *server*: *runs* by kind, and a logged model.

    *model_id* is None before MLflow 3, and MLflow 2.10 wrote to no server.
    """

    version: str
    server: Server | None
    folder: Path
    runs: Mapping[str, str]
    logged_run: str | None
    model_id: str | None

    @property
    def environ(self) -> dict[str, str]:
        """What a client of the server needs."""
        return dict(self.server.environ) if self.server else {}

    @property
    def trust(self) -> Trust:
        """What its models take: before MLflow 3 they were pickled."""
        return Trust(pickle=self.version != NEWEST)


@pytest.fixture(scope="session")
def written(mlflow_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The models ``iris`` and ``lost`` in three registries, and ``logged`` on the server; only read them."""
    return _written(NEWEST, mlflow_servers.proxied, tmp_path_factory)


@pytest.fixture(scope="session")
def written_before(mlflow_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The same by MLflow 2.22."""
    return _written(OLDER, mlflow_servers.older, tmp_path_factory)


@pytest.fixture(scope="session")
def written_long_ago(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The same by MLflow 2.10, without a server."""
    return _written(OLDEST, None, tmp_path_factory)


def written_by(version: str, request: pytest.FixtureRequest) -> Written:
    """What MLflow *version* wrote."""
    names = {NEWEST: "written", OLDER: "written_before", OLDEST: "written_long_ago"}
    found: Written = request.getfixturevalue(names[version])
    return found


def _written(version: str, server: Server | None, factory: pytest.TempPathFactory) -> Written:
    folder = factory.mktemp("written-by-mlflow")
    environ = json.dumps(dict(server.environ) if server else {})
    told = run_in_mlflow("write_registries.py", folder, environ, work=folder, version=version)
    return Written(version, server, folder, **told)
