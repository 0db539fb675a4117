"""Callers that are slow, rude or broken, on real connections."""

import contextlib
import gzip
import http.client
import json
import re
import socket
import statistics
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.kit import ServerProcess, raw, serving, split

HEAD = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = json.dumps(split([1, 2])).encode()
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
RIGHT = b'{"predictions":[3.0]}'


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two processes"])
def server(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server with short deadlines."""
    arguments = (
        "-m",
        str(models / "magic"),
        "--trust",
        "pickle",
        "-w",
        request.param,
        "--body-limit",
        "4MiB",
        # The model looks at the first of its rows only: its answers cannot be told apart again.
        "--batch-rows",
        "1",
    )
    deadlines = ("--header-timeout", "1", "--body-timeout", "1.5", "--keep-alive", "1", "--linger", "0")
    with serving(tmp_path_factory.mktemp("server"), *arguments, *deadlines) as one:
        yield one


@pytest.fixture(autouse=True)
def _still_well(server: ServerProcess) -> Iterator[None]:
    yield
    assert server.status("/health") == 200
    assert server.score(split([1, 2])) == (200, {"predictions": [3.0]})


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split()[1]), headers, body


def hear_one(caller: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(caller)
    response.begin()
    return response.status, response.read()


def check_refusal(answer: bytes, status: int) -> None:
    got, headers, body = parts(answer)
    assert got == status, answer[:300]
    problem = json.loads(body)
    assert set(problem) == {"error_code", "message", "request_id"}
    assert problem["request_id"] == headers["x-request-id"]
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert len(answer) < 4096


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(b"GET /ping\r\n\r\n", 400, id="no version"),
        pytest.param(b"FOO /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, id="unknown method"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nA B: c\r\n\r\n", 400, id="bad header name"),
        pytest.param(
            b"GET /ping HTTP/1.1\r\nHost: localhost\r\nA: b\x00c\r\n\r\n", 400, id="NUL in a header"
        ),
        pytest.param(HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, id="two lengths"),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param(HEAD + b"Content-Length: 1e3\r\n\r\n", 400, id="odd length"),
        pytest.param(
            HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="length and chunks",
        ),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nXYZ\r\nhello\r\n", 400, id="bad chunk size"),
        pytest.param(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, id="long target"),
        pytest.param(b"GET /" + b"x" * 200_000, 414, id="endless target"),
        pytest.param(
            b"GET /ping HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
            431,
            id="large header",
        ),
        pytest.param(
            b"GET /ping HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 300_000, 431, id="endless header"
        ),
        pytest.param(
            b"GET /ping HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431, id="many headers"
        ),
    ],
)
def test_requests_that_are_no_http_are_refused_and_the_connection_ends(
    server: ServerProcess, data: bytes, status: int
) -> None:
    check_refusal(raw(server.port, data, seconds=5), status)


@pytest.mark.parametrize(
    "hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n"], ids=["no host", "two hosts"]
)
def test_a_request_says_once_whom_it_is_for(server: ServerProcess, hosts: bytes) -> None:
    status, _, body = parts(raw(server.port, b"GET /ping HTTP/1.1\r\n" + hosts + b"\r\n", seconds=5))
    assert (status, json.loads(body)["error_code"]) == (400, "BAD_REQUEST")
    old = raw(server.port, b"GET /ping HTTP/1.0\r\n" + hosts[:0] + b"\r\n", seconds=5)
    assert parts(old)[0] == 200, "the header came with HTTP/1.1"


@pytest.mark.parametrize("end", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
@pytest.mark.parametrize("path", [b"/invocations", b"/nope", b"/ping"])
def test_who_is_refused_before_the_body_is_read_still_gets_the_answer(
    server: ServerProcess, path: bytes, end: bytes
) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller:
            caller.sendall(
                b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n" + end + b"\r\n"
            )
            time.sleep(0.005)
            caller.sendall(b"x" * 20_000)
            time.sleep(0.005)
            caller.sendall(b"x" * 20_000)
            status, body = hear_one(caller)
            assert status == {b"/invocations": 415, b"/nope": 404, b"/ping": 405}[path]
            assert json.loads(body)["error_code"]
            if not end:
                caller.sendall(WHOLE)
                assert hear_one(caller) == (200, RIGHT), "and the connection goes on"


def test_the_rest_of_a_refused_body_has_its_time_too(server: ServerProcess) -> None:
    head = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller:
        caller.sendall(head)
        assert caller.recv(10_000).startswith(b"HTTP/1.1 415")
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 15:
                caller.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - started < 5


def test_empty_lines_are_no_request_and_buy_no_time(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller:
        caller.sendall(WHOLE)
        assert hear_one(caller) == (200, RIGHT)
        started = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 15:
                caller.sendall(b"\r\n")
                time.sleep(0.1)
        assert time.monotonic() - started < 5


def test_half_a_request_behind_a_slow_one_does_not_spoil_its_answer(server: ServerProcess) -> None:
    body = json.dumps(split([-1, 2])).encode()
    answer = raw(
        server.port, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"POST /inv", seconds=20
    )
    assert answer.index(b'{"predictions":[1.0]}') < answer.index(b"HTTP/1.1 408")


def test_a_request_in_many_small_pieces_is_a_request(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in WHOLE:
            caller.sendall(bytes([byte]))
        assert hear_one(caller) == (200, RIGHT)


def test_requests_on_end_are_answered_in_order(server: ServerProcess) -> None:
    bodies = [json.dumps(split([number, 0])).encode() for number in range(5)]
    data = b"".join(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies)
    answer = raw(server.port, data, seconds=5)
    assert [float(found) for found in re.findall(rb"\[([\d.]+)\]", answer)] == [0, 1, 2, 3, 4]


def test_a_body_that_is_waited_for_is_asked_for(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert caller.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(BODY)
        assert hear_one(caller) == (200, RIGHT)


def test_a_body_too_large_is_not_even_asked_for(server: ServerProcess) -> None:
    answer = raw(server.port, HEAD + b"Expect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n", seconds=5)
    check_refusal(answer, 413)


def test_a_sender_of_too_much_gets_the_answer_and_not_a_reset(server: ServerProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", "/invocations", b"x" * (8 << 20), {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert (response.status, response.getheader("connection")) == (413, "close")
    assert json.loads(response.read())["error_code"] == "BAD_REQUEST"
    connection.close()


def chunked(piece: bytes, count: int) -> bytes:
    return (b"%x\r\n" % len(piece) + piece + b"\r\n") * count


@pytest.mark.parametrize("count", [65_537, 3_000_000])
def test_a_body_in_tiny_chunks_costs_time_and_no_memory(server: ServerProcess, count: int) -> None:
    before = server.memory()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as caller:
        caller.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(count // 1000):
            caller.sendall(chunked(b" ", 1000))
        caller.sendall(chunked(BODY, 1) + b"0\r\n\r\n")
        assert hear_one(caller) == (200, RIGHT)
    assert server.memory() - before < 24 << 20


def test_a_bomb_is_put_out_at_the_limit(server: ServerProcess) -> None:
    bomb = gzip.compress(b" " * (200 << 20), 9)
    assert len(bomb) < 250_000
    before = server.memory()
    started = time.monotonic()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    status, _, _ = server.call("POST", "/invocations", bomb, headers)
    assert status == 413
    assert time.monotonic() - started < 5
    assert server.memory() - before < (4 << 20) + (16 << 20)


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"POST /invocations HTTP/1.1\r\nHost: loc", 408, id="half a head"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n" + BODY[:10], 408, id="half a body"),
        pytest.param(WHOLE + b"POST /inv", 408, id="half a second head"),
        pytest.param(WHOLE, 200, id="nothing more"),
    ],
)
def test_what_is_begun_has_its_time(server: ServerProcess, begun: bytes, status: int | None) -> None:
    started = time.monotonic()
    answer = raw(server.port, begun, seconds=20)
    assert 0.5 < time.monotonic() - started < 8, "closed by the server, and not at once"
    if status is None:
        assert answer == b""
    elif status == 408:
        assert b"HTTP/1.1 408" in answer
        assert answer.count(b"connection: close") == 1
        assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error_code"] == "BAD_REQUEST"
    else:
        assert answer.endswith(RIGHT)


def test_a_trickle_of_head_is_not_progress(server: ServerProcess) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller:
        caller.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n")
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 15:
                caller.sendall(b"A: b\r\n")
                time.sleep(0.1)
        assert time.monotonic() - started < 5


def test_many_that_hold_connections_open_keep_nobody_from_being_answered(server: ServerProcess) -> None:
    kinds = (
        b"",
        b"POST /invocations HTTP/1.1\r\nHost: loc",
        HEAD + b"Content-Length: 1000\r\n\r\n" + BODY[:10],
    )
    held = []
    for number in range(300):
        caller = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        caller.sendall(kinds[number % 3])
        held.append(caller)
    waits = []
    for _ in range(60):
        started = time.perf_counter()
        assert server.status("/health") == 200
        waits.append(time.perf_counter() - started)
    assert server.score(split([1, 2])) == (200, {"predictions": [3.0]})
    middle, most = statistics.median(waits) * 1e3, max(waits) * 1e3
    print(f"health beside 300 held connections: median {middle:.1f} ms, at most {most:.1f} ms")
    assert statistics.quantiles(waits, n=10)[8] < 0.25
    time.sleep(3)
    for caller in held:
        caller.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            while caller.recv(4096):
                continue
        caller.close()


def test_callers_that_hang_up_in_the_middle_leave_nothing_behind(server: ServerProcess) -> None:
    reset = struct.pack("ii", 1, 0)
    pieces = (b"", HEAD, HEAD + b"Content-Length: 1000\r\n\r\n" + BODY[:10], WHOLE)
    errors = server.events.count('"level":"error"')
    descriptors = open_files(server)
    for number in range(2000):
        caller = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        caller.sendall(pieces[number % 4])
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        caller.close()
    deadline = time.monotonic() + 20
    while open_files(server) > descriptors + 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # The limit is 64 at one time: had each of the 500 whole requests kept its place, nothing would be left.
    for _ in range(5):
        assert server.score(split([1, 2])) == (200, {"predictions": [3.0]})
    assert server.events.count('"level":"error"') == errors
    assert "Traceback" not in server.events


def open_files(server: ServerProcess) -> int:
    pids = server.children() or [server.pid]
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def test_an_answer_that_nobody_takes_is_given_up(server: ServerProcess) -> None:
    descriptors = open_files(server)
    body = json.dumps(split([-4, 20])).encode()
    callers = []
    for _ in range(4):
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.connect(("127.0.0.1", server.port))
        caller.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        callers.append(caller)
    deadline = time.monotonic() + 30
    time.sleep(1)
    while open_files(server) > descriptors:
        assert server.status("/health") == 200, "the others are served meanwhile"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for caller in callers:
        caller.close()


def test_an_answer_that_is_taken_slowly_but_surely_arrives(server: ServerProcess) -> None:
    body = json.dumps(split([-4, 4])).encode()
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        caller.settimeout(30)
        caller.connect(("127.0.0.1", server.port))
        caller.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        heard, started = 0, time.monotonic()
        while heard < 4_000_000:
            piece = caller.recv(65536)
            assert piece
            heard += len(piece)
            time.sleep(0.05)
        assert time.monotonic() - started > 2, "slower than the time that an answer has when nobody takes it"


def test_large_answers_and_errors_of_some_do_not_touch_the_others(server: ServerProcess) -> None:
    wrong: list[object] = []

    def ask(number: int) -> None:
        kinds = {0: split([number, 1]), 1: split([-2, 0]), 2: split([-3, 0]), 3: split([-4, 1])}
        for _ in range(5):
            status, answer = server.score(kinds[number % 4])
            wanted = {0: 200, 1: 400, 2: 500, 3: 200}[number % 4]
            if status != wanted or (number % 4 == 0 and answer != {"predictions": [number + 1]}):
                wrong.append((number, status, answer))
            if status >= 400 and re.search(r"Traceback|secret|\.py|/", answer["message"]):
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
