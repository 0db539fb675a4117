"""One process that serves: load the model, then answer until told to stop."""

import logging
import math
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

from modelpack.errors import ModelpackError, shorten
from serving.app import create_app
from serving.codecs.json import JsonCodec
from serving.dataplane import DataPlane, answer
from serving.errors import CannotLoad
from serving.logs import Lines, send_events_to
from serving.models import Models, Served, Source, load
from serving.openapi import example_request
from serving.run.plan import Plan
from serving.run.roster import Door
from serving.run.server import Server
from serving.workers import Workers, processors

logger = logging.getLogger(__name__)

STDOUT, STDERR = 1, 2


class Process:
    """A loaded model and all that answers for it. Raises what loading raises.

    Everything that starts threads starts here, after any fork: the arrays' own libraries, the threads that
    predict, and the ones that write.
    """

    def __init__(self, plan: Plan) -> None:
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
        )
        self.served = _loaded(source, settings.trust)
        _warm(self.served)
        threads = settings.threads or max(1, math.ceil(processors() / settings.workers))
        self.plane = DataPlane(
            Models(self.served),
            Workers(threads, limit=max(threads, settings.concurrency)),
            timeout=settings.timeout or None,
        )

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
        app = create_app(self.plane, self._plan.settings, self._lines)
        server = Server(
            app, self.plane, self._plan.settings, door=door, ready=ready, beat=beat, parent=parent
        )
        self.server = server
        try:
            server.run(listeners)
        finally:
            self._lines.close()
            self._events.close()


def _loaded(source: Source, trust: tuple[str, ...]) -> Served:
    try:
        return load(source, trust, os.environ)
    except (ModelpackError, KeyboardInterrupt):
        raise
    except BaseException as error:
        # Code of a framework, or of the model's own: it may raise anything, even SystemExit.
        raise CannotLoad(shorten(f"the model cannot be loaded: {type(error).__name__}: {error}")) from error


def _warm(served: Served) -> None:
    """Predict once before anybody asks: what libraries put off until then would keep the first waiting."""
    example = example_request(served)
    if example is None:
        return
    try:
        answer(served, JsonCodec(coerce="lossless", depth_limit=64), orjson.dumps(example))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the model's code, which may raise anything
        facts = {"reason": shorten(f"{type(error).__name__}: {error}")}
        logger.info("the model does not answer the example", extra=facts)


def announcement(plan: Plan, served: Served) -> str:
    """What is served: name, version, digest, engine, URL."""
    version = f" version {plan.version}" if plan.version else ""
    processes = "" if plan.settings.workers == 1 else f", {plan.settings.workers} processes"
    return shorten(
        f"Serving {plan.name}{version} ({plan.digest}), {served.flavor} on the engine {served.engine}"
        f"{processes}, at {plan.url} (/docs describes it)",
        600,
    )


def serve_here(plan: Plan, listener: socket.socket) -> int:
    """Serve in this process, the only one; answers the exit code."""
    process = Process(plan)
    process.serve([listener], door=Door(), ready=process.announce)
    return 0
