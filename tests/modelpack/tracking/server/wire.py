"""A server's application behind a real socket, and requests to it byte by byte: no library tidies them."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Heard:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def listening(app: ASGIApp) -> Iterator[int]:
    """The port of this machine where *app* answers, in a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def ask(
    port: int, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Heard:
    """What *method* of *target* is answered with; *target* is sent as it is."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall(head(method, target, len(body), headers or {}) + body)
        return heard(wire)


def head(method: str, target: str, length: int, headers: Mapping[str, str]) -> bytes:
    """The first lines of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"Content-Length: {length}"] if length else []
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def heard(wire: socket.socket) -> Heard:
    """The answer on *wire*, to its end."""
    said = b""
    while chunk := wire.recv(1 << 16):
        said += chunk
    first, _, body = said.partition(b"\r\n\r\n")
    lines = first.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Heard(int(lines[0].split(" ")[1]), headers, body)
