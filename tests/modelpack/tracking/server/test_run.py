"""A real server with two workers: what it says, counts, survives and how it leaves."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from modelpack.errors import CannotListen
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.run import require_door
from modelpack.tracking.server.settings import ServerSettings
from tests.modelpack.processes import at_once
from tests.modelpack.tracking.server.process import Running, running, until

API = "/api/2.0/mlflow/"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), "--workers", "2", "--no-pages") as found:
        until(lambda: len(found.workers()) == 2)
        yield found


def ask(server: Running, method: str, path: str, given: Any = None) -> tuple[int, bytes]:
    """What is answered, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = None if given is None else json.dumps(given)
    connection.request(method, path, body, {} if given is None else JSON)
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


def counted(server: Running) -> dict[str, float]:
    """The counters of requests, by what stands before their value."""
    status, text = ask(server, "GET", "/metrics")
    assert status == 200
    lines = [one for one in text.decode().splitlines() if one.startswith("modelpack_requests_total")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_it_says_in_one_line_where_it_is_and_what_it_stands_on(server: Running) -> None:
    assert server.said["event"] == "serving"
    assert server.said["url"] == f"http://127.0.0.1:{server.port}"
    assert server.said["database"].startswith("sqlite:///")
    assert server.said["artifact_root"].endswith("/artifacts")
    assert server.said["requires_token"] is False


def test_every_request_is_counted_once_whichever_worker_had_it(server: Running) -> None:
    before = counted(server)
    asked: Counter[str] = Counter()

    def some(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for number in range(50):
            path = ("/health", f"{API}experiments/get?experiment_id={number % 2}", "/nowhere")[number % 3]
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            route = {"/nowhere": "(none)"}.get(path, path.partition("?")[0])
            asked[f'modelpack_requests_total{{method="GET",route="{route}",status="{answer.status}"}}'] += 1
            if number % 10 == place % 10:
                connection.close()
        connection.close()

    with ThreadPoolExecutor(8) as several:
        list(several.map(some, range(8)))
    after = counted(server)
    assert sum(asked.values()) == 400
    assert {name: after[name] - before.get(name, 0.0) for name in asked} == dict(asked)
    # Whoever is asked tells the same of all; only the scrapes themselves are more each time.
    for _ in range(4):
        again = counted(server)
        assert {name: again[name] for name in asked} == {name: after[name] for name in asked}


def test_a_worker_that_dies_is_replaced_and_its_counts_stay(server: Running) -> None:
    for _ in range(10):
        ask(server, "GET", "/version")
    version = 'modelpack_requests_total{method="GET",route="/version",status="200"}'
    assert counted(server)[version] == 10
    first = server.workers()
    os.kill(first[0], signal.SIGKILL)
    until(lambda: len(set(server.workers()) - {first[0]}) == 2)
    for _ in range(10):
        assert ask(server, "GET", "/health")[0] == 200
    assert counted(server)[version] == 10


def _memory(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_body_without_end_is_refused_and_takes_no_memory(server: Running) -> None:
    ask(server, "POST", f"{API}experiments/search", {"max_results": 1})
    before = {one: _memory(one) for one in server.workers()}
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(f"POST {API}registered-models/create HTTP/1.1\r\nHost: localhost\r\n".encode())
        connection.sendall(b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n")
        chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        try:
            for _ in range(1_000):
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass
        answer = connection.recv(1_000)
    assert b" 413 " in answer.partition(b"\r\n")[0]
    assert sent < 100
    for one, size in before.items():
        assert _memory(one) - size < (4 << 20) + (16 << 20)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\na: " + b"x" * 100_000, b"431"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: evil.com\r\n\r\n", b"403"),
    ],
)
def test_a_head_that_no_request_needs_is_refused(server: Running, sent: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(sent)
        answer = connection.recv(1_000)
    assert answer.startswith(b"HTTP/1.1 " + status)


@pytest.mark.long
def test_a_head_and_a_body_that_do_not_come_are_not_waited_for(server: Running) -> None:
    half = b"GET /health HTTP/1.1\r\nHost: loc"
    head = f"POST {API}runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    for sent, most in ((half, 15), (head + b"Content-Length: 10\r\n\r\n{", 40)):
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(sent)
            assert connection.recv(1_000).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < most


def test_no_accepted_request_is_lost_when_it_is_told_to_leave(server: Running) -> None:
    run = json.loads(ask(server, "POST", f"{API}runs/create", {"experiment_id": "0", "start_time": 1})[1])
    run_id = run["run"]["info"]["run_id"]
    answered: list[int] = []
    lost: list[str] = []
    numbers = iter(range(1, 1_000_000))
    lock = threading.Lock()

    def work() -> None:
        connection: http.client.HTTPConnection | None = None
        while True:
            with lock:
                step = next(numbers)
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
                try:
                    connection.connect()
                except OSError:
                    return  # the door is closed: nothing was sent
            point = {"run_id": run_id, "key": "m", "value": 1, "timestamp": 1, "step": step}
            try:
                connection.request("POST", f"{API}runs/log-metric", json.dumps(point), JSON)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                lost.append(repr(error))
                return
            if answer.status == 200:
                answered.append(step)
            else:
                lost.append(str(answer.status))
            if answer.will_close:
                connection.close()
                connection = None

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    until(lambda: len(answered) > 100)
    code = server.stop()
    for one in threads:
        one.join(60)
    assert (code, lost) == (0, [])
    settings = ServerSettings(
        backend_store_uri=server.said["database"], artifact_root=server.said["artifact_root"]
    )
    parts = Parts.open(settings, {})
    kept = {one.step for one in parts.tracking.metric_history(run_id, "m", max_results=100_000)}
    parts.close()
    assert kept == set(answered)
    routes = Counter(json.loads(line)["route"] for line in server.log.read_text().splitlines())
    assert routes[f"{API}runs/log-metric"] == len(answered)


def _experiments(folder: str) -> tuple[str, ...]:
    """What one of several servers that start on a fresh database finds there."""
    settings = ServerSettings(backend_store_uri=f"sqlite:///{folder}/one.db", artifact_root=folder)
    parts = Parts.open(settings, {})
    try:
        parts.check()
        return tuple(one.name for one in parts.tracking.search_experiments())
    finally:
        parts.close()


def test_three_servers_may_start_at_once_on_a_fresh_database(tmp_path: Path) -> None:
    assert at_once(_experiments, [(str(tmp_path),)] * 3) == [("Default",)] * 3


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1"])
def test_it_does_not_listen_beyond_this_machine_unless_it_asks_for_tokens_or_is_told_to(host: str) -> None:
    given: dict[str, Any] = {"backend_store_uri": "", "artifact_root": "", "host": host}
    with pytest.raises(CannotListen, match="--require-auth"):
        require_door(ServerSettings(**given))
    require_door(ServerSettings(**given, require_auth=True))
    require_door(ServerSettings(**given, allow_remote=True))
    require_door(ServerSettings(**{**given, "host": "127.0.0.1"}))
