"""Drivers count what they met."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from tests.benchmarks.client import Failure, Question, Target
from tests.benchmarks.load import DRIVERS, drive_with_python, has_wrk, percentile, read_wrk
from tests.benchmarks.protocols import PROTOCOLS

QUESTIONS = [Question(f'{{"n": {number}}}'.encode(), [number]) for number in range(5)]


@contextmanager
def _echo(*, fail_every: int = 0) -> Iterator[tuple[Target, list[bytes]]]:
    """A server that answers with the number it was sent, and 500 to every so many requests."""
    seen: list[bytes] = []
    numbers = count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(body)
            answer = json.dumps({"predictions": [json.loads(body)["n"]]}).encode()
            self.send_response(500 if fail_every and next(numbers) % fail_every == 0 else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name for it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Target(server.server_port, "/", PROTOCOLS["split"]), seen
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    for number, question in enumerate(QUESTIONS):
        (tmp_path / str(number)).write_bytes(question.body)
    return tmp_path


@pytest.fixture(params=sorted(DRIVERS))
def driver_name(request: pytest.FixtureRequest) -> str:
    if request.param == "wrk" and not has_wrk():
        pytest.skip("wrk is not installed")
    return str(request.param)


def test_every_question_is_asked_in_turn(driver_name: str, bodies: Path) -> None:
    with _echo() as (target, seen):
        load = DRIVERS[driver_name](target, QUESTIONS, bodies, concurrency=2, seconds=0.5)
    assert set(seen) == {question.body for question in QUESTIONS}
    assert 0 < load.requests <= len(seen)
    assert load.rate > 0
    assert 0 < load.p50 <= load.p99
    assert load.errors == {}


def test_answers_that_are_no_success_are_counted(driver_name: str, bodies: Path) -> None:
    with _echo(fail_every=3) as (target, seen):
        load = DRIVERS[driver_name](target, QUESTIONS, bodies, concurrency=1, seconds=0.5)
    assert load.errors["status"] >= len(seen) // 3 - 1 > 0


def test_a_server_that_is_not_there_is_counted(tmp_path: Path) -> None:
    with _echo() as (target, _):
        pass
    load = drive_with_python(target, QUESTIONS, tmp_path, concurrency=1, seconds=0.05)
    assert load.requests == 0
    assert load.errors["read"] > 0


def test_an_answer_to_another_question_is_wrong() -> None:
    with _echo() as (target, _):
        target.check(QUESTIONS, concurrency=3)
        with pytest.raises(Failure, match="1 labels for 1 rows, 1 of them wrong"):
            target.check([Question(b'{"n": 1}', [2])], concurrency=3)


def test_a_check_meets_a_status() -> None:
    with _echo(fail_every=1) as (target, _), pytest.raises(Failure, match="status 500"):
        target.check(QUESTIONS, concurrency=1)


def test_a_first_answer_is_waited_for_behind_errors_of_a_start() -> None:
    with _echo(fail_every=1) as (target, seen):
        with pytest.raises(Failure, match=r"no first answer; last met status 500"):
            target.wait_for_first_answer(QUESTIONS[0], seconds=0.2, died=lambda: False)
        assert len(seen) > 1


def test_the_line_that_wrk_prints_last_is_read() -> None:
    line = {"requests": 10, "microseconds": 2e6, "p50": 1500.0, "p99": 9000.0}
    line |= {"connect": 0, "read": 0, "write": 0, "status": 3, "timeout": 0}
    load = read_wrk(f"Running 2s test\n  10 requests in 2.00s\n{json.dumps(line)}\n")
    assert (load.rate, load.p50, load.p99, load.errors) == (5.0, 0.0015, 0.009, {"status": 3})


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile(list(range(1, 101)), percent) == value
