"""A real container engine, and an image to build on, for the tests that build images and run them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import docker
import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = f"python:{PYTHON}-slim"

_ARCHIVE = ROOT / ".cache" / "base" / f"python-{PYTHON}-slim.tar"
_DATA = ROOT / ".cache" / "docker"
_START_LIMIT = 30.0
_SAID = (
    "ENV LANG=C.UTF-8",
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    f"ENV PYTHON_VERSION={PYTHON}",
    "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
    'CMD ["python3"]',
)


@dataclass(frozen=True)
class Engine:
    """A *client* of an engine that has the image ``BASE``; *host* is where it listens."""

    client: Any
    host: str


@pytest.fixture(scope="session")
def container_engine() -> Iterator[Engine]:
    """The engine that runs on this machine, or one that is started for this run, and stopped.

    Where there is neither, the tests that need it are skipped; with MODELPACK_TEST_REQUIRE_ALL=1 they fail.
    What one that was started builds stays in .cache/docker for the next run.
    """
    with _running_engine() as found, _started_engine(found) as engine:
        _bring_base(engine)
        yield engine


@contextmanager
def _running_engine() -> Iterator[Engine | None]:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    with _client(host) as client:
        yield None if client is None else Engine(client, host)


@contextmanager
def _started_engine(found: Engine | None) -> Iterator[Engine]:
    if found is not None:
        yield found
        return
    program = shutil.which("dockerd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None or os.getuid() != 0:
        _missing("no container engine answers, and none can be started: run scripts/system-parts.sh as root")
    if _others():
        _missing("a container engine runs here, but not at DOCKER_HOST; two would take each other's network")
    # A short path: it goes into addresses of sockets.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    host = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                "-H",
                host,
                "--data-root",
                _DATA,
                "--exec-root",
                folder / "x",
                "--pidfile",
                folder / "pid",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, host, folder / "log")
        with _client(host) as client:
            client.images.prune(filters={"dangling": True, "until": "24h"})
            yield Engine(client, host)
    finally:
        process.terminate()
        process.wait(_START_LIMIT)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _client(host: str) -> Iterator[Any]:
    """A client of the engine at *host*, None when nobody answers there."""
    if not _answers(host):
        yield None
        return
    client = docker.DockerClient(base_url=host, timeout=600)
    try:
        yield client
    finally:
        client.close()


def _answers(host: str) -> bool:
    scheme, _, path = host.partition("://")
    if scheme != "unix":
        return True
    # Not by the client, which leaves its socket open when nobody is there.
    with socket.socket(socket.AF_UNIX) as knocker:
        try:
            knocker.connect(path)
        except OSError:
            return False
    return True


def _wait(process: "subprocess.Popen[bytes]", host: str, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        with _client(host) as client:
            if client is not None:
                return
        time.sleep(0.1)
    _missing(f"dockerd does not start here: {log.read_text(errors='replace')[-1000:]}")


def _others() -> list[str]:
    """The numbers of processes that are engines."""
    found = []
    for name in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if name.read_text().strip() == "dockerd":
                found.append(name.parent.name)
    return found


def _bring_base(engine: Engine) -> None:
    if engine.client.images.list(name=BASE):
        return
    if not _ARCHIVE.is_file():
        _missing(f"there is no {BASE} to build on: run scripts/system-parts.sh as root")
    name, _, tag = BASE.partition(":")
    engine.client.api.import_image(src=str(_ARCHIVE), repository=name, tag=tag, changes=list(_SAID))


def _missing(what: str) -> NoReturn:
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(what)
    pytest.skip(what)
