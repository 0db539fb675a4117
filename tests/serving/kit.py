"""Small real things for the tests of the server: models, applications, processes, and rude callers."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from modelpack.errors import PredictionFailed
from modelpack.logs import Lines
from modelpack.schema import ColumnSpec, DataType, Schema, Signature
from serving.app import create_app
from serving.batching import Lane, may_batch
from serving.dataplane import DataPlane
from serving.models import Served, Source
from serving.run.process import plane_of
from serving.settings import Settings
from serving.tracing import Tracing
from serving.workers import Workers

JSON = {"Content-Type": "application/json"}
SERVE = [str(Path(sys.executable).with_name("serve"))]
NUMBERS = Signature(
    inputs=Schema((ColumnSpec(DataType.double, "a"), ColumnSpec(DataType.double, "b"))),
    outputs=Schema((ColumnSpec(DataType.double),)),
)


def add(data: Any, params: Mapping[str, Any]) -> Any:
    """A model of two columns that are added."""
    del params
    return data.columns["a"] + data.columns["b"]


class Model:
    """A predictor around a plain function, with a real one's way to fail."""

    def __init__(self, function: Callable[[Any, Mapping[str, Any]], Any] = add) -> None:
        self._function = function

    def run(self, data: Any, params: Mapping[str, Any]) -> Any:
        try:
            return self._function(data, params)
        except Exception as error:
            raise PredictionFailed(error) from error


def served(
    function: Callable[[Any, Mapping[str, Any]], Any] = add,
    signature: Signature = NUMBERS,
    *,
    example: Any = None,
    name: str = "sum",
) -> Served:
    """A loaded model that needs no files."""
    model = Model(function)
    source = Source(
        reference=f"models:/{name}/3",
        place=Path("/nowhere"),
        name=name,
        version="3",
        digest="sha256:" + "0" * 64,
    )
    return Served(
        source=source,
        engine="native",
        flavor="python",
        method="predict",
        signature=signature,
        example=example,
        predictor=model,
        lane=Lane(model.run, name=name, batches=may_batch(signature, None)),
    )


@dataclass
class House:
    """An application with its parts at hand. *log* is what it wrote, a line of JSON for each request."""

    client: TestClient
    plane: DataPlane
    folder: Path
    lines: Lines
    settings: Settings

    @property
    def inside(self) -> int:
        """Callers that wait or are being worked for."""
        return self.plane.batcher.inside

    def post(self, body: Any, headers: Mapping[str, str] = JSON, **more: Any) -> Any:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.client.post("/invocations", content=content, headers=dict(headers), **more)

    def log(self) -> list[dict[str, Any]]:
        self.lines.close()
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


@contextlib.contextmanager
def house(
    folder: Path,
    model: Served | None = None,
    *,
    threads: int = 2,
    tracing: Tracing | None = None,
    **settings: Any,
) -> Iterator[House]:
    """An application in this process that serves *model* (two columns that are added, if none is given)."""
    chosen = Settings(**settings)
    descriptor = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
    lines = Lines(descriptor)
    workers = Workers(threads)
    plane = plane_of(model or served(), chosen, workers)
    app = create_app(plane, chosen, lines, tracing)
    try:
        with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
            yield House(client, plane, folder, lines, chosen)
    finally:
        workers.close()
        lines.close()
        os.close(descriptor)


def check_problem(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """That *response* is an error as all errors are, and what it says."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(response.content) < 4096
    problem = json.loads(response.content)
    assert set(problem) == {"error_code", "message", "request_id"}
    assert problem["request_id"] == response.headers["x-request-id"]
    assert len(problem["message"]) <= 300
    if code is not None:
        assert problem["error_code"] == code
    return dict(problem)


def split(*rows: list[Any], columns: tuple[str, ...] = ("a", "b")) -> dict[str, Any]:
    """A body of ``dataframe_split``."""
    return {"dataframe_split": {"columns": list(columns), "data": list(rows)}}


class ServerProcess:
    """A real ``serve`` in a process of its own, on a free port of this machine."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.port = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def grpc_port(self) -> int:
        told = re.search(r"gRPC at port (\d+)", self.events)
        assert told is not None, self.events
        return int(told[1])

    @property
    def events(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "stdout").read_text()

    def wait_until_ready(self, seconds: float = 60.0) -> "ServerProcess":
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.events}"
            told = re.search(r"at http://[^ ]+:(\d+)", self.events)
            if told:
                self.port = int(told[1])
                return self
            time.sleep(0.02)
        raise AssertionError(f"not ready after {seconds} s: {self.events}")

    def call(
        self, method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] = JSON
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def score(self, body: Any) -> tuple[int, Any]:
        status, _, content = self.call("POST", "/invocations", json.dumps(body))
        return status, json.loads(content)

    def status(self, path: str) -> int:
        return self.call("GET", path, headers={})[0]

    def stop(self, sig: int = signal.SIGTERM, seconds: float = 40.0) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(seconds)

    def children(self) -> list[int]:
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(word) for word in text.split()]

    def memory(self) -> int:
        """Bytes of this process, or of its largest worker, in memory."""
        pids = [self.pid, *self.children()]
        found = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in pids]
        return max(int(one[1]) for one in found if one) * 1024


@contextlib.contextmanager
def serving(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None, wait: bool = True, **popen: Any
) -> Iterator[ServerProcess]:
    """Run ``serve`` with *arguments* (and a free port) until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("MODELPACK_", "MLFLOW_"))
    }
    clean.pop("GUNICORN_CMD_ARGS", None)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        popen.setdefault("stdout", out)
        popen.setdefault("stderr", err)
        environ = {**clean, "MODELPACK_HOME": str(folder / "home"), "MODELPACK_PORT": "0", **(environ or {})}
        process = subprocess.Popen([*SERVE, *arguments], env=environ, **popen)
    server = ServerProcess(process, folder)
    try:
        yield server.wait_until_ready() if wait else server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def raw(port: int, data: bytes, *, seconds: float = 10.0, shut: bool = False) -> bytes:
    """Send *data* as it is, and read until the server closes or says nothing more for a moment."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as caller:
        caller.sendall(data)
        if shut:
            caller.shutdown(socket.SHUT_WR)
        heard = bytearray()
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := caller.recv(65536):
                heard += piece
        return bytes(heard)


@dataclass
class Tally:
    """What became of the requests of a closed-loop caller."""

    answered: int = 0
    wrong: int = 0
    turned_away: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.answered += other.answered
        self.wrong += other.wrong
        self.turned_away += other.turned_away
        self.refused += other.refused
        self.lost += other.lost


class Load:
    """*callers* threads that each ask, wait for the answer, and ask again, until ``stop``.

    Every request is *answered* (with the right number, or *wrong*), *turned away* with 503, *refused* before
    anything was sent, or *lost*: sent, and never answered.
    """

    def __init__(self, port: int, callers: int) -> None:
        self._port = port
        self._halt = threading.Event()
        self.tallies = [Tally() for _ in range(callers)]
        self._threads = [
            threading.Thread(target=self._ask, args=(tally, number))
            for number, tally in enumerate(self.tallies)
        ]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> Tally:
        self._halt.set()
        total = Tally()
        for thread, tally in zip(self._threads, self.tallies, strict=True):
            thread.join(60)
            total.add(tally)
        return total

    @property
    def answered(self) -> int:
        return sum(tally.answered for tally in self.tallies)

    def _ask(self, tally: Tally, number: int) -> None:
        chance = np.random.default_rng(number)
        caller: socket.socket | None = None
        while not self._halt.is_set():
            left, right = chance.integers(0, 1000, 2).tolist()
            if caller is None:
                caller = self._connect(tally)
                if caller is None:
                    time.sleep(0.05)
                    continue
            keep = self._once(caller, tally, left, right)
            if not keep:
                caller.close()
                caller = None
        if caller is not None:
            caller.close()

    def _connect(self, tally: Tally) -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", self._port), timeout=10)
        except OSError:
            tally.refused += 1
            return None

    def _once(self, caller: socket.socket, tally: Tally, left: int, right: int) -> bool:
        body = json.dumps(split([left, right])).encode()
        head = "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
        try:
            caller.sendall(request)
            response = http.client.HTTPResponse(caller)
            response.begin()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            tally.lost.append(repr(error))
            return False
        if response.status == 503:
            tally.turned_away += 1
        elif response.status == 200 and json.loads(content) == {"predictions": [left + right]}:
            tally.answered += 1
        else:
            tally.wrong += 1
        return not response.will_close
