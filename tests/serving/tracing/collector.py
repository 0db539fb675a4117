"""A real collector for the tests: it takes OTLP over HTTP, or fails as it is told."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {1: "internal", 2: "server", 3: "client"}
STATES = {0: "unset", 1: "ok", 2: "error"}


@dataclass(frozen=True)
class Span:
    """One span, with the resource that it came from."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    state: str
    begun: int
    ended: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    trace_state: str


@dataclass
class Collector:
    """What has come to *url*, and with which headers."""

    url: str
    spans: list[Span] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    posts: int = 0
    hangs: threading.Event = field(default_factory=threading.Event)
    """Set it, and nothing is answered any more until it is cleared."""
    status: int = 200

    def servers(self, **attributes: Any) -> list[Span]:
        """The spans of requests that have these *attributes*; a dot is written as two underscores."""
        wanted = {name.replace("__", "."): value for name, value in attributes.items()}
        return [
            span
            for span in [*self.spans]
            if span.kind == "server" and all(span.attributes.get(k) == v for k, v in wanted.items())
        ]

    def children(self, span: Span) -> dict[str, Span]:
        """The parts of *span*, by name."""
        found = [one for one in [*self.spans] if one.parent_id == span.span_id]
        assert len({one.name for one in found}) == len(found)
        return {one.name: one for one in found}

    def wait(self, found: Callable[[], Any], seconds: float = 20.0) -> Any:
        """What *found* finds, once it finds something."""
        deadline = time.monotonic() + seconds
        while not (result := found()):
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.02)
        return result


def environ(collector: Collector, **more: str) -> dict[str, str]:
    """The variables that send spans there, soon."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100", **more}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on 127.0.0.1 for as long as the block lasts."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.told
    finally:
        server.told.hangs.clear()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = Collector(f"http://127.0.0.1:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A server that is stopped breaks off what it sends; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        told: Collector = self.server.told  # type: ignore[attr-defined]  # it is a _Server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        while told.hangs.is_set():
            time.sleep(0.02)
        told.posts += 1
        told.headers.append({name.lower(): value for name, value in self.headers.items()})
        if told.status == 200 and self.path == "/v1/traces":
            packed = self.headers.get("Content-Encoding") == "gzip"
            told.spans.extend(read(gzip.decompress(body) if packed else body))
        self.send_response(told.status if self.path == "/v1/traces" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Nothing: the tests ask what came."""


def read(body: bytes) -> Iterator[Span]:
    """The spans in an ExportTraceServiceRequest."""
    message: Any = ExportTraceServiceRequest.FromString(body)
    for group in message.resource_spans:
        resource = _values(group.resource.attributes)
        for scoped in group.scope_spans:
            for span in scoped.spans:
                yield Span(
                    name=span.name,
                    kind=KINDS[span.kind],
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    state=STATES[span.status.code],
                    begun=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    attributes=_values(span.attributes),
                    resource=resource,
                    scope=scoped.scope.name,
                    trace_state=span.trace_state,
                )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
