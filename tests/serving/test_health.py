import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import health
from serving.image import VARIABLE, Image


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (b"/opt/venv/bin/python\0/opt/venv/bin/serve\0--port\x009000\0", ["--port", "9000"]),
        (b"/sbin/docker-init\0--\0serve\0-p\x009000\0", ["-p", "9000"]),
        (b"python\0/opt/venv/bin/serve\0", []),
        (b"sleep\x00100\0", []),
    ],
)
def test_the_first_process_says_how_it_was_started(tmp_path: Path, command: bytes, words: list[str]) -> None:
    (tmp_path / "cmdline").write_bytes(command)
    assert health.server_words(tmp_path / "cmdline") == words


def test_a_process_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    assert health.server_words(tmp_path / "none") == []


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The variables of a container."""
    image = Image(model="/opt/ml/model", engine="onnx", port=8080, name="m", version="1", digest="sha256:x")
    (tmp_path / "image.json").write_bytes(image.text())
    return {VARIABLE: str(tmp_path / "image.json")}


@pytest.mark.parametrize(
    ("words", "variables", "place"),
    [
        ([], {}, ("127.0.0.1", 8080)),
        (["--port", "9000"], {}, ("127.0.0.1", 9000)),
        (["serve", "-p9000", "--workers", "2"], {}, ("127.0.0.1", 9000)),
        (["--port=9000", "-h", "10.0.0.5"], {"MODELPACK_PORT": "7000"}, ("10.0.0.5", 9000)),
        ([], {"MODELPACK_PORT": "9000"}, ("127.0.0.1", 9000)),
        ([], {"GUNICORN_CMD_ARGS": "-b 0.0.0.0:9000"}, ("127.0.0.1", 9000)),
        (["-h", "::"], {}, ("127.0.0.1", 8080)),
    ],
)
def test_the_port_is_where_the_server_listens(
    environ: dict[str, str], words: list[str], variables: dict[str, str], place: tuple[str, int]
) -> None:
    assert health.address(words, {**environ, **variables}) == place


@contextlib.contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    """A port at which one caller is answered with *answer*."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_once() -> None:
            caller, _ = listener.accept()
            with caller:
                caller.recv(1000)
                caller.sendall(answer)

        thread = threading.Thread(target=answer_once, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 1),
        (b"", 1),
    ],
)
def test_an_answer_of_200_is_health(environ: dict[str, str], answer: bytes, code: int) -> None:
    with _answering(answer) as port:
        done = _ask({**environ, "MODELPACK_PORT": str(port)})
    assert done.returncode == code


def test_nobody_at_the_port_is_no_health(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert _ask({**environ, "MODELPACK_PORT": str(port)}).returncode == 1


def test_it_loads_little() -> None:
    code = "import sys, serving.health; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"asyncio", "click", "http.client", "numpy", "starlette", "uvicorn"}


def _ask(environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "serving.health"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
