"""What a request is about, in the words of OpenTelemetry's conventions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext

from modelpack.errors import shorten
from serving import contract
from serving.middleware.hosts import HOST
from serving.tracing.context import as_headers, caller_of, extract

Attributes = Mapping[str, str | int]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_OTHER = "_OTHER"
_LONGEST_PATH = 300

_QUIET = frozenset(
    {
        contract.PING,
        contract.HEALTH,
        contract.READY,
        contract.METRICS,
        f"{contract.V2}/health/live",
        f"{contract.V2}/health/ready",
    }
)
"""Asked every few seconds by machines, and of no interest to anybody who looks at traces."""

_QUIET_METHODS = frozenset({"ServerLive", "ServerReady", "ModelReady"})


@dataclass(frozen=True, slots=True)
class Subject:
    """*name* is that of the span, as long as no route is known.

    *parent* is the context that came with the request, *caller* the span in it.
    """

    name: str
    method: str
    attributes: Attributes
    parent: Context
    caller: SpanContext | None = None


def of_http(scope: Mapping[str, Any]) -> Subject | None:
    """The subject of a request over HTTP; None for what is not followed."""
    path = scope["raw_path"].decode("latin-1")
    if path in _QUIET or (path.startswith(f"{contract.V2}/models/") and path.endswith("/ready")):
        return None
    given = scope["method"]
    method = given if given in _METHODS else _OTHER
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "url.path": shorten(path, _LONGEST_PATH),
        "url.scheme": scope["scheme"],
        "network.protocol.version": scope["http_version"],
        **_server(scope["headers"]),
    }
    if method == _OTHER:
        attributes["http.request.method_original"] = shorten(given, 40)
    word = "HTTP" if method == _OTHER else method
    parent = extract(scope["headers"])
    return Subject(word, word, attributes, parent, caller_of(parent))


def of_grpc(method: str, metadata: Sequence[tuple[str, str | bytes]]) -> Subject | None:
    """The subject of a call over gRPC; None for what is not followed."""
    if method in _QUIET_METHODS:
        return None
    name = f"{contract.GRPC_SERVICE}/{method}"
    attributes = {"rpc.system.name": "grpc", "rpc.method": name}
    parent = extract(as_headers(metadata))
    return Subject(name, "", attributes, parent, caller_of(parent))


UNREAD = Subject("HTTP", "HTTP", {"http.request.method": _OTHER, "url.scheme": "http"}, Context())
"""A request that was refused before it was read."""


def _server(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str | int]:
    """The name by which the caller knows this server."""
    given = next((value for name, value in headers if name == b"host"), b"")
    match = HOST.fullmatch(given)
    if match is None:
        return {}
    port = given[len(match[1]) + 1 :]
    name = match[1].decode("ascii").strip("[]")
    return {"server.address": name, **({"server.port": int(port)} if port else {})}
