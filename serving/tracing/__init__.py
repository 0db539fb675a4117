"""Traces of requests, where an operator asks for them by OpenTelemetry's own variables.

Nothing of OpenTelemetry is imported before that is known.
"""

import importlib
import importlib.util
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from modelpack.errors import MissingDependency
from modelpack.logs import Lines
from serving.errors import InvalidSetting
from serving.models import Source
from serving.passage import Passage

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTERS = "OTEL_TRACES_EXPORTER"
DISABLED = "OTEL_SDK_DISABLED"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

_KNOWN = ("otlp", "console")
_OFF = "none"
_GRPC_EXPORTER = "opentelemetry.exporter.otlp.proto.grpc"
_NEEDED = (
    ("opentelemetry.sdk", "opentelemetry-sdk"),
    ("opentelemetry.exporter.otlp.proto.http", "opentelemetry-exporter-otlp-proto-http"),
)

Ask = TypeVar("Ask", bound=Callable[..., Any])


class Subject(Protocol):
    """What a request is about, as far as its head says: the same for every one with the same head."""


class Trace(Protocol):
    """One request that is followed; its *passage* is to be filled in on its way."""

    @property
    def passage(self) -> Passage: ...
    @property
    def trace_id(self) -> str: ...
    @property
    def span_id(self) -> str: ...


class Exchange(Protocol):
    """What is known of a request when it is over. *status* is HTTP's."""

    @property
    def request_id(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def route(self) -> int: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def engine(self) -> str | None: ...


class Call(Protocol):
    """The same of a call over gRPC; *status* is a ``grpc.StatusCode``."""

    @property
    def request_id(self) -> str: ...
    @property
    def status(self) -> Any: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def engine(self) -> str | None: ...


class Tracing(Protocol):
    """Follows requests of one process, and exports what it saw in the background.

    *started* is a moment of serving.passage. A trace that is begun and never ended leaves nothing behind.
    """

    def http(self, scope: Mapping[str, Any]) -> Subject | None:
        """What a request is about; None for one that is not followed."""
        ...

    def grpc(self, method: str, metadata: Sequence[tuple[str, str | bytes]]) -> Subject | None:
        """The same of a call of *method*."""
        ...

    def again(self, subject: Subject, headers: Sequence[tuple[bytes, bytes]]) -> Subject:
        """*subject*, asked by somebody whose context is in *headers*."""
        ...

    def begin(self, subject: Subject, started: float) -> Trace:
        """Follow a request."""
        ...

    def inside(self, trace: Trace) -> AbstractContextManager[None]:
        """What is done in the block is done for *trace*: its log, the spans of a model's own code."""
        ...

    def end(self, trace: Trace, exchange: Exchange) -> None:
        """The request is over."""
        ...

    def end_call(self, trace: Trace, call: Call) -> None:
        """The call is over."""
        ...

    def refused(self, status: int) -> None:
        """A request was refused before anybody knew what it is about."""
        ...

    def asking(self, ask: Ask) -> Ask:
        """*ask*, in a span of its own, with the context on the requests that it sends to other servers."""
        ...

    def close(self, seconds: float) -> None:
        """Let what is not exported yet leave, within *seconds*."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants: which *exporters*, and whether they speak *grpc* instead of HTTP."""

    exporters: tuple[str, ...] = ()
    grpc: bool = False

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Wish":
        """As OpenTelemetry's specification reads the variables, but that none of them means off.

        Raises InvalidSetting for an address that is none; an unknown word is ignored, with a warning.
        """
        disabled = environ.get(DISABLED, "").strip().lower()
        if disabled not in ("", "true", "false"):
            logger.warning(
                "a variable has an unknown value", extra={"variable": DISABLED, "taken_for": "false"}
            )
        if disabled == "true":
            return cls()
        words = [word.strip().lower() for word in environ.get(EXPORTERS, "").split(",") if word.strip()]
        if _OFF in words:
            return cls()
        exporters = tuple(dict.fromkeys(word for word in words if word in _KNOWN))
        if len(exporters) < len(set(words)):
            facts = {"variable": EXPORTERS, "known": [*_KNOWN, _OFF]}
            logger.warning("a variable has an unknown value", extra=facts)
        address = next((name for name in ENDPOINTS if environ.get(name, "").strip()), None)
        if not exporters and address is not None:
            exporters = ("otlp",)
        if "otlp" in exporters and address is not None:
            _check_address(address, environ[address])
        protocol = next((text for name in PROTOCOLS if (text := environ.get(name, "").strip().lower())), "")
        if protocol not in ("", "grpc", "http/protobuf"):
            facts = {"variable": PROTOCOLS[1], "taken_for": "http/protobuf"}
            logger.warning("a variable has an unknown value", extra=facts)
        return cls(exporters, protocol == "grpc")

    def require(self) -> None:
        """Raise MissingDependency unless what this takes is installed; nothing of it is imported."""
        if not self.exporters:
            return
        for module, package in _NEEDED:
            if not _is_installed(module):
                raise MissingDependency(f"{_why()}: tracing", package=package, extra="otel")
        if self.grpc and "otlp" in self.exporters and not _is_installed(_GRPC_EXPORTER):
            raise MissingDependency(
                f"{PROTOCOLS[1]}=grpc (http/protobuf needs nothing more)",
                package="opentelemetry-exporter-otlp-proto-grpc",
            )


def require(environ: Mapping[str, str]) -> None:
    """Raise MissingDependency, or InvalidSetting, if traces are wanted that cannot be had."""
    Wish.read(environ).require()


def start(source: Source, environ: Mapping[str, str], lines: Lines) -> Tracing | None:
    """Follow the requests for *source*, if that is wanted. Call it after any fork.

    The exporter ``console`` writes to *lines*. Raises MissingDependency and InvalidSetting.
    """
    wish = Wish.read(environ)
    if not wish.exporters:
        return None
    wish.require()
    made: Any = importlib.import_module("serving.tracing.exporting")
    return cast("Tracing", made.tracing(wish, source, environ, lines))


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _why() -> str:
    return next(
        (f"{name} is set" for name in (EXPORTERS, *ENDPOINTS) if os.environ.get(name, "").strip()), ""
    )


def _check_address(name: str, text: str) -> None:
    scheme, separator, rest = text.strip().partition("://")
    if scheme.lower() not in ("http", "https") or not separator or not rest.strip("/"):
        # Not repeated: there may be a password in it.
        raise InvalidSetting(f"{name} is no address of a collector: write http://HOST:4318 or https://HOST")
