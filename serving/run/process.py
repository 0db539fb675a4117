"""One process that serves: load the model, then answer until told to stop."""

import gc
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from modelpack.errors import ModelpackError, shorten
from modelpack.logs import Lines, send_events_to
from serving import grpc, tracing
from serving.app import create_app
from serving.batching import Batcher
from serving.dataplane import DataPlane
from serving.errors import CannotLoad
from serving.metrics import Metrics
from serving.models import Models, Served, Source, load
from serving.run.express import Express
from serving.run.plan import Plan
from serving.run.roster import Door
from serving.run.server import Server
from serving.run.threads import share_of, threads_of
from serving.settings import Settings
from serving.warming import warm
from serving.workers import Workers

logger = logging.getLogger(__name__)

STDOUT, STDERR = 1, 2

_COMPANY = 0.4
"""The share of a call's time that those who wait are held back, so that who was just answered comes along."""


class Process:
    """A loaded model and all that answers for it, counting to *metrics*. Raises what loading raises.

    Everything that starts threads starts here, after any fork: the arrays' own libraries, the threads that
    predict, and the ones that write.
    """

    def __init__(self, plan: Plan, metrics: Metrics | None = None) -> None:
        settings = plan.settings
        self._plan = plan
        self._lines, self._events = Lines(STDOUT), Lines(STDERR)
        send_events_to(self._events)
        # What it says of requests, serving.run.protocol says too, with the request id.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        source = Source(
            reference=settings.model,
            place=Path(plan.place),
            name=plan.name,
            version=plan.version,
            digest=plan.digest,
            standing=plan.standing,
        )
        # Before the model is loaded: its code may make spans of its own.
        self._tracing = tracing.start(source, os.environ, self._lines)
        self.served = _loaded(source, settings)
        warm(self.served)
        self.plane = plane_of(self.served, settings, Workers(threads_of(settings)), metrics)
        # What is here now stays: to look through it for garbage time and again would make some requests wait.
        gc.collect()
        gc.freeze()

    def announce(self) -> None:
        """Say in one line what is served, and where."""
        self._events.put(announcement(self._plan, self.served))

    def serve(
        self,
        listeners: list[socket.socket],
        *,
        door: Door,
        parent: int | None = None,
        beat: Callable[[], Awaitable[None]] | None = None,
        ready: Callable[[], None],
    ) -> None:
        """Answer on *listeners* until a signal says to stop, and then until everybody has been answered.

        *ready* is called once they are open, *beat* some times a second. *parent* is the process without
        which this one has no business.
        """
        settings, port, tracing = self._plan.settings, self._plan.grpc_port, self._tracing
        app = create_app(self.plane, settings, self._lines, tracing)
        beside = None
        if port is not None:
            beside = grpc.server(self.plane, settings, self._lines, port=port, tracing=tracing)
        server = Server(
            app,
            self.plane,
            settings,
            Express(self.plane, self._lines, tracing),
            door=door,
            ready=ready,
            beat=beat,
            parent=parent,
            beside=beside,
        )
        self.server = server
        try:
            server.run(listeners)
        finally:
            if tracing is not None:
                tracing.close(server.seconds_left)
            self._lines.close()
            self._events.close()


def plane_of(
    served: Served, settings: Settings, workers: Workers, metrics: Metrics | None = None
) -> DataPlane:
    """What answers for *served* on *workers*, with the line before it that *settings* describe."""
    metrics = metrics or Metrics()
    batcher = Batcher(
        workers.start,
        calls=workers.threads,
        limit=max(workers.threads, settings.concurrency),
        max_rows=settings.batch_rows,
        max_wait=settings.batch_wait,
        company=_COMPANY,
        patience=settings.timeout or None,
        metrics=metrics,
    )
    return DataPlane(Models(served), batcher, timeout=settings.timeout or None, metrics=metrics)


def _loaded(source: Source, settings: Settings) -> Served:
    try:
        return load(source, settings, os.environ, threads=share_of(settings))
    except (ModelpackError, KeyboardInterrupt):
        raise
    except BaseException as error:
        # Code of a framework, or of the model's own: it may raise anything, even SystemExit.
        raise CannotLoad(shorten(f"the model cannot be loaded: {type(error).__name__}: {error}")) from error


def announcement(plan: Plan, served: Served) -> str:
    """What is served: name, version, digest, engine, URL."""
    version = f" version {plan.version}" if plan.version else ""
    processes = "" if plan.settings.workers == 1 else f", {plan.settings.workers} processes"
    beside = "" if plan.grpc_port is None else f", gRPC at port {plan.grpc_port}"
    return shorten(
        f"Serving {plan.name}{version} ({plan.digest}), {served.flavor} on the engine {served.engine}"
        f"{processes}, at {plan.url} (/docs describes it){beside}",
        600,
    )


def serve_here(plan: Plan, listener: socket.socket) -> int:
    """Serve in this process, the only one; answers the exit code."""
    process = Process(plan)
    process.serve([listener], door=Door(), ready=process.announce)
    return 0
