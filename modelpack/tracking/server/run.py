"""From settings to a server that listens: one process of it, or several under one that minds them."""

import gc
import logging
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from modelpack.addresses import is_loopback
from modelpack.errors import CannotListen, shorten
from modelpack.listening import listen_at, url_of
from modelpack.logs import Lines, as_line, now, send_events_to
from modelpack.sql import Address
from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.counts import FOLDER_VARIABLE, Counts, folder_here
from modelpack.tracking.server.gate import admitting
from modelpack.tracking.server.leaving import Server
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings
from modelpack.tracking.server.tokens import Tokens
from modelpack.tracking.server.workers import Minder

STDOUT: Final = 1
STDERR: Final = 2


def start(settings: ServerSettings, *, tell: Callable[[str], None] | None = None) -> int:
    """Serve until told to stop; answers the exit code. Raises what a person can mend.

    With *tell*, for one person: it gets the address, and requests leave no lines.
    """
    require_door(settings)
    # Here, so that what is wrong is one line before anything listens; and each process opens its own.
    Parts.open(settings, os.environ).close()
    with ExitStack() as stack:
        listener = stack.enter_context(listen_at(settings.host, settings.port, allow_remote=True))
        settings = replace(settings, port=listener.getsockname()[1])
        url = url_of(listener)

        def announce() -> None:
            if tell is None:
                os.write(STDERR, f"{announcement(settings, url)}\n".encode())
            else:
                tell(url)

        if settings.workers == 1:
            serve(settings, listener, ready=announce, is_quiet=tell is not None)
            return 0
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="modelpack-counts-"))
        os.environ[FOLDER_VARIABLE] = folder
        minder = Minder(
            settings.workers,
            Worker(settings),
            listener,
            folder=folder,
            drain=settings.drain,
            announce=announce,
        )
        return minder.run()


def require_door(settings: ServerSettings) -> None:
    """Raise CannotListen for a door that stands open to other machines, unless the operator says so."""
    if settings.require_auth or settings.allow_remote or is_loopback(settings.host):
        return
    raise CannotListen(
        f"{shorten(repr(settings.host), 60)} can be reached from other machines, and no token is asked for; "
        "--require-auth asks (make tokens with `modelpack token create`), --allow-remote says that something "
        "in front does"
    )


def announcement(settings: ServerSettings, url: str) -> str:
    """What is served, and where, in one line without a password."""
    return as_line(
        {
            "time": now(),
            "level": "info",
            "event": "serving",
            "url": url,
            "database": str(Address.of(settings.backend_store_uri, "")),
            "artifact_root": shorten(settings.artifact_root, 200),
            "workers": settings.workers,
            "requires_token": settings.require_auth,
        }
    )


@dataclass(frozen=True, slots=True)
class Worker:
    """What one of several processes does; a value, for it is handed to a new process."""

    settings: ServerSettings

    def __call__(
        self, listener: socket.socket, all_leave: Callable[[], bool], ready: Callable[[], None], parent: int
    ) -> None:
        """Serve until told to stop."""
        serve(self.settings, listener, all_leave=all_leave, ready=ready, parent=parent)


def serve(
    settings: ServerSettings,
    listener: socket.socket,
    *,
    all_leave: Callable[[], bool] = lambda: True,
    ready: Callable[[], None],
    parent: int | None = None,
    is_quiet: bool = False,
) -> None:
    """Be one process that answers on *listener*, until a signal says to stop."""
    lines, events = Lines(STDOUT), Lines(STDERR)
    send_events_to(events)
    # What it says of requests, the log has in lines of its own.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    leaving = threading.Event()
    parts = Parts.open(settings, os.environ)
    try:
        app = create_app(
            parts,
            check=admitting(Tokens(parts.database)) if settings.require_auth else None,
            counts=Counts(folder_here()),
            lines=None if is_quiet else lines,
            is_leaving=leaving.is_set,
        )
        server = Server(app, leaving, drain=settings.drain, all_leave=all_leave, ready=ready, parent=parent)
        # What is here now stays; to look through it for garbage time and again would make some requests wait.
        gc.collect()
        gc.freeze()
        server.run([listener])
    finally:
        parts.close()
        lines.close()
        events.close()
