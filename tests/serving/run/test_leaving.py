"""SIGTERM: the server says that it leaves, answers whom it let in, and goes with code 0."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.serving.kit import Load, ServerProcess, serving, split

ONE_AND_TWO = pytest.mark.parametrize("workers", ["1", "2"])
TWO_AT_LEAST = pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.long), "2"])


def arguments(models: Path, workers: str, *more: str) -> tuple[str, ...]:
    return ("-m", str(models / "magic"), "--trust", "pickle", "-w", workers, *more)


def settle(server: ServerProcess, workers: str) -> None:
    """Wait until every worker has loaded; signals before that find them busy with it."""
    deadline = time.monotonic() + 60
    while server.events.count("model loaded") < int(workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)


@ONE_AND_TWO
@pytest.mark.parametrize("repetition", [0, *(pytest.param(one, marks=pytest.mark.long) for one in (1, 2))])
def test_under_load_nobody_is_lost(models: Path, tmp_path: Path, workers: str, repetition: int) -> None:
    with serving(tmp_path, *arguments(models, workers)) as server:
        settle(server, workers)
        load = Load(server.port, 16).start()
        try:
            time.sleep(1.0)
            before = load.answered
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
            assert server.status("/ready") == 503
            if repetition:
                server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(35) == 0
        finally:
            tally = load.stop()
    assert before > 10
    assert tally.answered > before, "those who were let in, and those who asked while it lingered"
    assert tally.refused > 0, "in the end there was nobody to ask"
    assert (tally.wrong, tally.lost) == (0, [])
    print(f"answered {tally.answered}, turned away {tally.turned_away}, refused {tally.refused}, lost 0")


ABRUPT = """
import asyncio, json, os, signal, sys
async def app(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive(); body += message.get("body", b""); more = message.get("more_body", False)
    await asyncio.sleep(0.005)
    answer = json.dumps({"predictions": [sum(json.loads(body)["dataframe_split"]["data"][0])]}).encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
import uvicorn
class Server(uvicorn.Server):
    def handle_exit(self, sig, frame):
        os._exit(0)
Server(uvicorn.Config(app, port=int(sys.argv[1]), lifespan="off", log_level="error")).run()
"""


def test_the_same_load_sees_what_a_server_loses_that_goes_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", ABRUPT, str(port)])
    try:
        deadline = time.monotonic() + 30
        while not can_connect(port):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        load = Load(port, 16).start()
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        time.sleep(0.2)
        tally = load.stop()
    finally:
        process.kill()
        process.wait()
    assert tally.answered > 10
    assert tally.wrong == 0
    assert len(tally.lost) > 0


def can_connect(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@ONE_AND_TWO
def test_what_runs_is_answered_and_meanwhile_nobody_new_is_invited(
    models: Path, tmp_path: Path, workers: str
) -> None:
    with serving(tmp_path, *arguments(models, workers, "--linger", "0.2")) as server:
        settle(server, workers)
        answers: list[Any] = []
        slow = threading.Thread(target=lambda: answers.append(server.score(split([-1, 3]))))
        slow.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        assert server.process.poll() is None
        assert server.status("/ready") == 503
        assert server.status("/health") == 200
        status, headers, body = server.call("POST", "/invocations", json.dumps(split([1, 2])))
        assert (status, headers["connection"], headers["retry-after"]) == (503, "close", "1")
        assert json.loads(body)["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert server.process.wait(20) == 0
        slow.join()
    assert answers == [(200, {"predictions": [2.0]})]


@TWO_AT_LEAST
def test_a_prediction_longer_than_the_drain_does_not_hold_the_server(
    models: Path, tmp_path: Path, workers: str
) -> None:
    with serving(tmp_path, *arguments(models, workers, "--linger", "0", "--drain", "1")) as server:
        settle(server, workers)
        answers: list[Any] = []
        slow = threading.Thread(target=lambda: answers.append(server.score(split([-1, 30]))))
        slow.start()
        time.sleep(0.5)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 8
        slow.join()
    ((status, answer),) = answers
    assert (status, answer["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE"), "even then not without a word"


@TWO_AT_LEAST
def test_idle_connections_and_half_requests_do_not_hold_the_server(
    models: Path, tmp_path: Path, workers: str
) -> None:
    with serving(tmp_path, *arguments(models, workers, "--linger", "0.2", "--drain", "3")) as server:
        settle(server, workers)
        silent = socket.create_connection(("127.0.0.1", server.port))
        half = socket.create_connection(("127.0.0.1", server.port))
        half.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        kept = http.client.HTTPConnection("127.0.0.1", server.port)
        kept.request("GET", "/ping")
        assert kept.getresponse().read() == b"\n"
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 8
        for caller in (silent, half, kept):
            caller.close()


def test_an_open_connection_is_answered_while_the_server_lingers_and_then_closed(
    models: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, *arguments(models, "1", "--linger", "2")) as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port)
        headers = {"Content-Type": "application/json"}
        kept.request("POST", "/invocations", json.dumps(split([1, 2])), headers)
        first = kept.getresponse()
        assert (first.read(), first.getheader("connection")) == (b'{"predictions":[3.0]}', None)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        kept.request("POST", "/invocations", json.dumps(split([3, 4])), headers)
        second = kept.getresponse()
        assert (second.read(), second.getheader("connection")) == (b'{"predictions":[7.0]}', "close")
        kept.close()
        assert server.process.wait(20) == 0


@TWO_AT_LEAST
def test_the_keyboard_is_in_a_hurry_but_lets_what_runs_finish(
    models: Path, tmp_path: Path, workers: str
) -> None:
    with serving(tmp_path, *arguments(models, workers, "--linger", "20")) as server:
        settle(server, workers)
        answers: list[Any] = []
        slow = threading.Thread(target=lambda: answers.append(server.score(split([-1, 2]))))
        slow.start()
        time.sleep(0.5)
        started = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - started < 10, "it did not linger"
        slow.join()
    assert answers == [(200, {"predictions": [1.0]})]


def test_replacing_all_workers_loses_nobody(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, *arguments(models, "2", "--linger", "0.5")) as server:
        settle(server, "2")
        before = set(server.children())
        load = Load(server.port, 8).start()
        try:
            time.sleep(0.5)
            server.process.send_signal(signal.SIGHUP)
            settle(server, "4")
            deadline = time.monotonic() + 30
            while before & set(server.children()):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            so_far = load.answered
            time.sleep(0.5)
        finally:
            tally = load.stop()
        assert tally.answered > so_far
        assert (tally.wrong, tally.turned_away, tally.refused, tally.lost) == (0, 0, 0, [])
        assert server.stop() == 0
