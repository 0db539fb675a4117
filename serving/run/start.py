"""From settings to a server: find the model, take the address, and choose the runner."""

import os
import socket

from modelpack.listening import listen_at, url_of
from serving import grpc, tracing
from serving.grpc.port import reserve
from serving.image import Image
from serving.models import find
from serving.run.master import serve_with_workers
from serving.run.plan import Plan
from serving.run.process import serve_here
from serving.settings import Settings


def start(settings: Settings) -> int:
    """Serve until told to stop; answers the exit code. With several workers it does not return.

    A wrong reference, a broken directory, an address that is taken: each is known before the model runs.
    """
    _open_standard_streams()
    tracing.require(os.environ)
    source = find(settings.model, Image.read(os.environ))
    listener = listen_at(settings.host, settings.port, allow_remote=settings.allow_remote)
    holder = _hold_grpc_port(settings)
    plan = Plan(
        settings=settings,
        place=str(source.place),
        name=source.name,
        version=source.version,
        digest=source.digest,
        standing=source.standing,
        url=url_of(listener),
        descriptor=listener.fileno(),
        grpc_port=None if holder is None else holder.getsockname()[1],
    )
    if settings.workers > 1:
        serve_with_workers(plan, listener, *([holder] if holder else []))
    return serve_here(plan, listener)


def _hold_grpc_port(settings: Settings) -> socket.socket | None:
    if settings.grpc_port is None:
        return None
    grpc.require()
    return reserve(settings.host, settings.grpc_port, allow_remote=settings.allow_remote)


def _open_standard_streams() -> None:
    """Where a stream is closed, the next socket would get its number, and the log would go to a caller."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
