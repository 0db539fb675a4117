"""uvicorn's server with an orderly way out: nobody who was let in leaves without an answer."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from modelpack.listening import turn_away
from modelpack.tracking.server.protocol import Protocol

LINGER: Final = 0.6
"""Seconds after SIGTERM in which all are still answered, with ``Connection: close``."""
_LAST_CALLERS: Final = 0.2
"""Seconds for those who stand in the queue when the door closes."""
_TICK: Final = 0.05
_KEEP_ALIVE: Final = 30


class Server(uvicorn.Server):
    """Serves *app* until SIGTERM; *leaving* is set from then on. It leaves in three steps.

    1. For LINGER seconds all are still answered, with ``Connection: close``, and ``/ready`` says no.
    2. No new connection begins; those already begun are accepted and answered.
    3. Idle connections are closed; running requests have *drain* seconds.

    A worker that leaves alone (not *all_leave*) leaves the door open for the others. SIGINT, a person at
    the keyboard, skips the first step, and a second one the rest. Unlike uvicorn's, the process then ends
    with code 0. *parent* is the process without which this one has no business.
    """

    def __init__(
        self,
        app: ASGIApp,
        leaving: threading.Event,
        *,
        drain: float,
        all_leave: Callable[[], bool],
        ready: Callable[[], None],
        parent: int | None,
    ) -> None:
        self._leaving, self._all_leave, self._ready, self._parent = leaving, all_leave, ready, parent
        self._hurried = False
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                loop="uvloop",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                # What a peer says of others is no fact: the address in the log is the peer's own.
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=max(1, round(drain)),
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, and say so."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave."""
        del frame
        if sig == signal.SIGINT and self._parent is not None:
            return  # the keyboard reaches all processes, and the one that minds them says what to do
        if sig == signal.SIGINT:
            self.force_exit = self._hurried
            self._hurried = True
        self._leaving.set()
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """What uvicorn does ten times a second, and leave when the process that started this one has gone."""
        if self._parent is not None and os.getppid() != self._parent:
            self._leaving.set()
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave."""
        if self._all_leave():
            await self._until(LINGER, lambda: self._hurried)
            for listener in sockets or []:
                turn_away(listener)
            await self._until(_LAST_CALLERS, lambda: False)
        await super().shutdown(sockets)

    async def _until(self, seconds: float, done: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while not self.force_exit and not done() and time.monotonic() < end:  # noqa: ASYNC110 - as uvicorn does
            await asyncio.sleep(_TICK)
