"""uvicorn's server with an orderly way out: nobody who was let in leaves without an answer."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from modelpack.listening import turn_away
from serving.dataplane import DataPlane
from serving.grpc import Running
from serving.run.accepting import Acceptor
from serving.run.express import Express, ExpressProtocol
from serving.run.roster import Door
from serving.settings import Settings

_TICK = 0.05
_LEAST_LAST, _MOST_LAST = 0.5, 5.0
_LAST_CALLERS = 0.5
"""Seconds for a caller that was let in last to say what it wants."""


class Server(uvicorn.Server):
    """Serves *app*, and *way* before it, until SIGTERM; then leaves in four steps.

    1. At once: ``/ready`` says no. For ``linger`` seconds all are still answered, with ``Connection: close``.
    2. New predictions are refused with 503; running ones have ``drain`` seconds.
    3. No new connection begins; those already begun are accepted and answered.
    4. Idle connections are closed.

    A server for gRPC *beside* it stops taking calls with the second step; its running ones have that time.
    A worker that leaves alone, because it is replaced, does so without the first three: it stops listening,
    for the others go on.

    SIGINT, a person at the keyboard, skips the first step, and a second one the rest. A second SIGTERM
    changes nothing. Unlike uvicorn's, the process then ends with code 0.
    """

    def __init__(
        self,
        app: ASGIApp,
        plane: DataPlane,
        settings: Settings,
        way: Express,
        *,
        door: Door,
        ready: Callable[[], None],
        beat: Callable[[], Awaitable[None]] | None = None,
        parent: int | None = None,
        beside: Running | None = None,
    ) -> None:
        self._plane = plane
        self._door = door
        self._ready = ready
        self._beat = beat
        self._linger = settings.linger
        self._drain = settings.drain
        self._parent = parent
        self._beside = beside
        self._hurried = False
        self._deadline: float | None = None
        self._acceptors: list[Acceptor] = []

        class Connection(ExpressProtocol):
            express = way
            header_seconds = settings.header_timeout
            stall_seconds = settings.body_timeout

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
                super().connection_made(transport)
                door.count(len(self.connections))

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                door.count(len(self.connections))

        self._connection = Connection
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                loop="uvloop",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=settings.keep_alive,  # type: ignore[arg-type]  # it goes to call_later as it is
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, and say so."""
        await super().startup([])
        self._acceptors = [
            Acceptor(listener, self._make_connection, door=self._door, backlog=self.config.backlog)
            for listener in sockets or []
        ]
        if self._beside is not None:
            await self._beside.start()
        self._door.open()
        self._ready()

    def _make_connection(self) -> asyncio.Protocol:
        return self._connection(config=self.config, server_state=self.server_state, app_state={})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave."""
        del frame
        if sig == signal.SIGINT and self._parent is not None:
            return  # the keyboard reaches all processes, and the master says what its workers should do
        self.leave(hurried=sig == signal.SIGINT)

    def leave(self, *, hurried: bool) -> None:
        """Begin to leave, in no hurry or in some; asked twice to hurry it waits for nobody."""
        self._plane.leave()
        if hurried:
            self.force_exit = self._hurried
            self._hurried = True
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """What uvicorn does ten times a second, and leave when the process that started this one has gone."""
        if self._beat is not None:
            await self._beat()
        if self._parent is not None and os.getppid() != self._parent:
            self._plane.leave()
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave."""
        self._plane.leave()
        self._deadline = deadline = time.monotonic() + self._linger + self._drain
        leaving = None
        if self._door.all_leave:
            await self._until(self._linger, lambda: self._hurried)
            self._plane.close()
            leaving = asyncio.create_task(self._leave_beside(self._drain))
            await self._until(self._drain, lambda: not self._plane.batcher.inside)
        if self._door.close() and self._door.all_leave:
            for listener in sockets or []:
                turn_away(listener)
            for acceptor in self._acceptors:
                acceptor.hurry()
            await self._until(_LAST_CALLERS, lambda: not self.server_state.connections, at_least=2 * _TICK)
        else:
            # Others listen on the same socket, and have what this one does not take.
            self._take_nobody()
            leaving = leaving or asyncio.create_task(self._leave_beside_when_replaced())
            await self._until(self._linger, lambda: self._hurried or not self.server_state.connections)
        self._take_nobody()
        self.config.timeout_graceful_shutdown = max(1, round(deadline - time.monotonic()))
        await super().shutdown(sockets)
        if self.force_exit:
            await self._leave_beside(0)
        if leaving is not None:
            await leaving

    @property
    def seconds_left(self) -> float:
        """For what is to be done when nobody is served any more: little, and within the time to leave."""
        if self._deadline is None or self.force_exit:
            return _LEAST_LAST
        return min(max(self._deadline - time.monotonic(), _LEAST_LAST), _MOST_LAST)

    def _take_nobody(self) -> None:
        for acceptor in self._acceptors:
            acceptor.close()

    async def _leave_beside(self, seconds: float) -> None:
        """The same for the server of another protocol, whose callers see by themselves where to turn."""
        if self._beside is not None:
            await self._beside.stop(seconds)

    async def _leave_beside_when_replaced(self) -> None:
        """Its port is shared by listeners of each process, and with the last of them callers are refused."""
        if self._beside is not None:
            await self._until(self._linger + self._drain, lambda: self._hurried or not self._door.is_missed)
            await self._beside.stop(self._drain)

    async def _until(self, seconds: float, done: Callable[[], bool], *, at_least: float = 0.0) -> None:
        begun = time.monotonic()
        while not self.force_exit and time.monotonic() < begun + seconds:
            if done() and time.monotonic() >= begun + at_least:
                return
            if self._beat is not None:
                await self._beat()
            await asyncio.sleep(_TICK)
