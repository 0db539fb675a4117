"""Team servers as real processes, a real MLflow server beside them, and real clients of all of these."""

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from modelpack.sql import Address, Database
from modelpack.tracking.server.tokens import Tokens
from tests.compat.real_mlflow import require_mlflow
from tests.postgres import fresh_uri
from tests.remote.servers import Bucket, mlflow_server_in, s3
from tests.team.clients import Seen, session
from tests.team.servers import Team, team_server

Enter = Callable[[Mapping[str, str]], None]


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    """An empty bucket of moto's server, which refuses whoever does not sign as its one user."""
    with s3() as found:
        yield found


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """SQLite and a folder, open to anyone on this machine."""
    folder = tmp_path_factory.mktemp("team-on-sqlite")
    with team_server(folder, f"sqlite:///{folder}/team.db", str(folder / "files")) as team:
        yield team
        assert team.failures() == []


@pytest.fixture(scope="session")
def guarded(postgres_server: str, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """PostgreSQL and a bucket, for who has a token."""
    folder, uri = tmp_path_factory.mktemp("team-on-postgresql"), fresh_uri(postgres_server)
    database = Database(Address.of(uri, "the test"))
    _, token = Tokens(database).create("ada", ["write"])
    database.close()
    root = f"s3://{bucket.name}/team"
    with team_server(folder, uri, root, token=token, **bucket.environ) as team:
        yield team
        assert team.failures() == []


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """What a client of a real MLflow server needs: the newest, with SQLite, handing artifacts on."""
    require_mlflow()
    with mlflow_server_in(tmp_path_factory.mktemp("real-mlflow")) as server:
        yield server.environ


class Sessions:
    """Sessions of real clients, each begun when it is first asked for or announced, two at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(2)
        self._begun: dict[tuple[str, str], Future[Seen]] = {}

    def begin(self, version: str, where: str, environ: Mapping[str, str]) -> None:
        """Let the client of *version* have its session with the server that is called *where*."""
        if (version, where) not in self._begun:
            work = self._folder / f"{version}-{where}"
            work.mkdir()
            # A name that no other begins with.
            name = f"{where}{version.replace('.', 'x')}x"
            self._begun[version, where] = self._pool.submit(session, version, name, work, environ)

    def saw(self, version: str, where: str) -> Seen:
        """What it saw."""
        return self._begun[version, where].result()

    def close(self) -> None:
        """Wait for those that were begun."""
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    """No sessions yet."""
    all_of_them = Sessions(tmp_path_factory.mktemp("sessions"))
    yield all_of_them
    all_of_them.close()


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Let this process have a home of its own, the variables that are given, and none of MLflow's besides."""

    def one(environ: Mapping[str, str]) -> None:
        for name in [one for one in os.environ if one.startswith(("MLFLOW_", "MODELPACK_", "AWS_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("MODELPACK_PATIENCE", "20")
        monkeypatch.setenv("MODELPACK_CERTIFY_ROWS", "0")
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

    return one


def with_password(team: Team) -> dict[str, str]:
    """What a client needs that brings its token as a password."""
    return {
        "MLFLOW_TRACKING_URI": team.url,
        # The name is not looked at here; the client tells it as the user of its runs.
        "MLFLOW_TRACKING_USERNAME": getpass.getuser(),
        "MLFLOW_TRACKING_PASSWORD": team.token,
    }
