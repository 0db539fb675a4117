"""A real HTTP server that serves a folder as MLflow's proxy does, and fails as it is told."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass(frozen=True)
class Fault:
    """How one answer goes wrong: with *status*, *cut* short, a byte flipped, another *body*, or a *stall*."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    flip: int | None = None
    ranges: bool = True
    tag: str = ""
    body: bytes | None = None
    stall: float = 0.0


@dataclass
class Asked:
    """One request."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Faulty:
    """The server at *url*: *faults* are used up one by one, for paths that end in the name they are under."""

    url: str
    folder: Path
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    listing: Any = None

    def count(self, name: str) -> int:
        """How often a path that ends in *name* was asked for."""
        return sum(one.path.endswith(name) for one in self.asked)


@contextmanager
def serve(folder: Path, *, tls: ssl.SSLContext | None = None) -> Iterator[Faulty]:
    """Serve *folder* on 127.0.0.1 for as long as the block lasts."""
    server = _Server(folder, "http" if tls is None else "https")
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, scheme: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = Faulty(f"{scheme}://127.0.0.1:{self.server_port}", folder)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def _any(self) -> None:
        assert isinstance(self.server, _Server)
        told = self.server.told
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        path = unquote(urlsplit(self.path).path)
        waiting = next((faults for name, faults in told.faults.items() if path.endswith(name)), [])
        fault = waiting.pop(0) if waiting else Fault()
        file = told.folder / path.removeprefix(f"{PROXY}/")
        time.sleep(fault.stall)
        if fault.status or fault.body is not None:
            self._whole(fault.status or 200, fault.body or b"", fault.headers)
        elif path == PROXY:
            self._list(told, parse_qs(urlsplit(self.path).query).get("path", [""])[0])
        elif self.command == "PUT":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            self._whole(200, b"{}")
        elif file.is_file():
            self._file(file, fault)
        else:
            said = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such artifact"}
            self._whole(404, json.dumps(said).encode())

    # The base class calls them so.
    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

    def _list(self, told: Faulty, path: str) -> None:
        found = told.listing
        if found is None:
            place = told.folder / path
            found = [
                {"path": one.name, "is_dir": one.is_dir(), "file_size": one.stat().st_size}
                for one in (sorted(place.iterdir()) if place.is_dir() else ())
            ]
        self._whole(200, json.dumps({"files": found}).encode())

    def _file(self, file: Path, fault: Fault) -> None:
        content = file.read_bytes()
        if fault.flip is not None:
            content = content[: fault.flip] + bytes([content[fault.flip] ^ 1]) + content[fault.flip + 1 :]
        tag = fault.tag or f'"{file.stat().st_mtime_ns:x}-{len(content):x}"'
        start = self._start(tag) if fault.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:] if fault.cut is None else content[start : start + fault.cut])
        self.close_connection = fault.cut is not None

    def _start(self, tag: str) -> int:
        wanted = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        return int(wanted) if wanted and self.headers.get("If-Range", tag) == tag else 0

    def _whole(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """A test has no log."""
