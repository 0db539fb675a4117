"""The Open Inference Protocol over gRPC: the same data plane on a port of its own."""

import importlib
import importlib.util
import os
from typing import Any, Protocol, cast

from modelpack.errors import MissingDependency
from modelpack.logs import Lines
from serving.dataplane import DataPlane
from serving.settings import Settings
from serving.tracing import Tracing


class Running(Protocol):
    """A server beside the one for HTTP."""

    async def start(self) -> None:
        """Begin to answer; raises CannotListen."""
        ...

    async def stop(self, seconds: float) -> None:
        """Take no more calls; those that run have *seconds* to end."""
        ...


def require() -> None:
    """Raise MissingDependency unless gRPC is installed; importing it must wait until after any fork."""
    try:
        found = all(importlib.util.find_spec(name) for name in ("grpc", "google.protobuf"))
    except ModuleNotFoundError:
        found = False
    if not found:
        raise MissingDependency("gRPC", package="grpcio", extra="grpc")


def server(
    plane: DataPlane, settings: Settings, lines: Lines, *, port: int, tracing: Tracing | None = None
) -> Running:
    """A server for *plane* at *port*, which ``port.reserve`` holds; not yet started.

    Raises MissingDependency.
    """
    require()
    # What its C core has to say is no line of JSON, and nothing that an event here does not say.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    made: Any = importlib.import_module("serving.grpc.server")
    return cast("Running", made.GrpcServer(plane, settings, lines, port=port, tracing=tracing))
