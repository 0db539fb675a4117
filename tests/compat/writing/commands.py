"""``mlflow models serve`` and ``mlflow models predict``, as the commands that they are."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compat.reading.bodies import CSV, JSON, Body
from tests.compat.real_mlflow import clean_environ, python_of

_START_LIMIT = 120.0


@dataclass(frozen=True)
class Serving:
    """``mlflow models serve`` at *url*."""

    url: str

    def answer(self, body: Body) -> Any:
        """What it answers, from JSON."""
        headers = {"Content-Type": body.media_type or JSON}
        request = urllib.request.Request(f"{self.url}/invocations", body.content, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return {"status": error.code, "told": error.read().decode()[:1_000]}


@contextmanager
def serve(place: Path, folder: Path, version: str) -> Iterator[Serving]:
    """The server of MLflow *version* for the model at *place*; it writes to *folder*."""
    port = _free_port()
    command = _command(version, "serve", place, "--host", "127.0.0.1", "--port", str(port))
    log = folder / f"serve-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=_environ(folder, version), stdout=out, stderr=out, start_new_session=True
        )
    try:
        _await(process, f"http://127.0.0.1:{port}", log)
        yield Serving(f"http://127.0.0.1:{port}")
    finally:
        # It is a shell that becomes a server with workers of its own: all in a session.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def predict(place: Path, body: Body, folder: Path, version: str) -> Any:
    """What ``mlflow models predict`` of *version* writes for *body*, from JSON."""
    folder.mkdir()
    (folder / "body").write_bytes(body.content)
    kind = "csv" if body.media_type == CSV else "json"
    command = _command(version, "predict", place, "-i", "body", "-t", kind, "-o", "answer.json")
    done = subprocess.run(
        command, cwd=folder, env=_environ(folder, version), capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads((folder / "answer.json").read_text())


def _command(version: str, verb: str, place: Path, *options: str) -> list[str]:
    mlflow = str(python_of(version).with_name("mlflow"))
    return [mlflow, "models", verb, "-m", str(place), "--env-manager", "local", *options]


def _environ(folder: Path, version: str) -> Mapping[str, str]:
    environ = clean_environ(folder)
    # It starts uvicorn by its name.
    return {**environ, "PATH": f"{python_of(version).parent}{os.pathsep}{environ['PATH']}"}


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"mlflow models serve does not start: {log.read_text()[-3_000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
