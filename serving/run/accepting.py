"""Taking connections from a socket that several workers listen on, so that each gets its share."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from serving.run.roster import Door

logger = logging.getLogger(__name__)

_COURTESY = 0.002
"""Seconds that a worker leaves a caller to one with fewer connections, before it takes him itself."""

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_REST = 1.0
_MANY = 256


class Acceptor:
    """Takes callers from *listener*, one at a time, and gives each a protocol that *factory* makes.

    A loop's own server takes all who stand in the queue at once: of a few callers who come together and stay,
    one worker then has all, and the others none. Here a worker takes one, and lets those with fewer
    connections go first; *door* knows of these.
    """

    def __init__(
        self,
        listener: socket.socket,
        factory: Callable[[], asyncio.Protocol],
        *,
        door: Door,
        backlog: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._factory = factory
        self._door = door
        self._most = 1
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._is_open = True
        listener.setblocking(False)
        listener.listen(backlog)
        self._loop.add_reader(listener.fileno(), self._come)

    def hurry(self) -> None:
        """Leave nobody to others any more: they go, too."""
        self._most = _MANY

    def close(self) -> None:
        """Take nobody any more. The socket is its owner's to close."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener.fileno())
            if self._timer is not None:
                self._timer.cancel()

    def _come(self) -> None:
        """Somebody is in the queue."""
        if self._most == 1 and self._door.is_ahead:
            self._pause(_COURTESY)
        else:
            self._take()

    def _take(self) -> None:
        for _ in range(self._most):
            try:
                caller, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another worker was faster, or the caller has gone
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                logger.warning("no more connections can be taken", extra={"reason": error.strerror})
                self._pause(_REST)
                return
            task = self._loop.create_task(self._connect(caller))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, caller: socket.socket) -> None:
        caller.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._factory, caller)
        except OSError:
            caller.close()  # gone before it began

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._timer = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._timer = None
        if self._is_open:
            self._loop.add_reader(self._listener.fileno(), self._come)
            self._take()
