"""Several processes that serve, and the one that minds them."""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, Final

from modelpack.tracking.server.counts import forget

logger = logging.getLogger(__name__)

Work = Callable[[socket.socket, Callable[[], bool], Callable[[], None], int], None]
"""Serve on a socket: whether all leave, what to call when ready, and the process that minds it. A value."""

_TICK: Final = 0.5
_PAUSE: Final = 1.0
"""Seconds before a worker that died is replaced by the next one."""
_TRIES: Final = 5
"""Workers in a row that may end before they were ready; after that there is no hope."""
_MARGIN: Final = 10.0

_SPAWN: Final = get_context("spawn")


@dataclass(slots=True)
class _Place:
    """One of so many workers, and what is known of it. *ready* is shared with its process."""

    ready: Any = field(default_factory=lambda: _SPAWN.RawValue("b", 0))
    process: SpawnProcess | None = None
    not_before: float = 0.0


class Minder:
    """Keeps *count* processes at *work* on *listener*, replaces those that die, and ends them all together.

    *folder* is where they count. *announce* is called when the first of them is ready. *drain* is how long
    they may take to end.
    """

    def __init__(
        self,
        count: int,
        work: Work,
        listener: socket.socket,
        *,
        folder: str,
        drain: float,
        announce: Callable[[], None],
    ) -> None:
        self._work, self._listener, self._folder = work, listener, folder
        self._drain, self._announce = drain, announce
        self._places = [_Place() for _ in range(count)]
        self._all_leave: Any = _SPAWN.RawValue("b", 0)
        self._stop = 0
        self._announced = False
        self._failures = 0

    def run(self) -> int:
        """Mind them until a signal says to stop; answers the exit code."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._heard)
        while not self._stop and self._failures < _TRIES:
            self._fill()
            alive = [one.process.sentinel for one in self._places if one.process is not None]
            connection.wait(alive, timeout=_TICK if self._announced else _TICK / 10)
            self._look()
        self._end()
        if self._stop:
            return 0
        logger.error("workers end before they are ready; the first of their messages tells why")
        return 1

    def _heard(self, sig: int, frame: FrameType | None) -> None:
        del sig, frame
        self._stop += 1

    def _fill(self) -> None:
        for one in self._places:
            if one.process is None and time.monotonic() >= one.not_before:
                one.ready.value = 0
                facts = (self._work, self._listener, self._all_leave, one.ready, os.getpid())
                one.process = _SPAWN.Process(target=_begin, args=facts)
                one.process.start()

    def _look(self) -> None:
        for one in self._places:
            if one.ready.value and not self._announced:
                self._announced = True
                self._announce()
            if one.process is None or one.process.is_alive():
                continue
            self._failures = 0 if one.ready.value else self._failures + 1
            one.not_before = time.monotonic() + _PAUSE
            if not self._stop:
                logger.warning("a worker ended", extra={"code": one.process.exitcode, "pid": one.process.pid})
            self._bury(one)

    def _bury(self, one: _Place) -> None:
        if one.process is not None:
            one.process.join()
            forget(one.process.pid or 0, self._folder)
            one.process.close()
            one.process = None

    def _end(self) -> None:
        self._all_leave.value = 1
        self._tell_all(signal.SIGTERM)
        heard, end = self._stop, time.monotonic() + self._drain + _MARGIN
        while self._processes() and time.monotonic() < end and self._stop <= max(heard, 1):
            connection.wait([one.sentinel for one in self._processes()], timeout=_TICK)
        self._tell_all(signal.SIGKILL)
        for one in self._places:
            self._bury(one)

    def _processes(self) -> list[SpawnProcess]:
        return [one.process for one in self._places if one.process is not None and one.process.is_alive()]

    def _tell_all(self, sig: int) -> None:
        for process in self._processes():
            os.kill(process.pid or 0, sig)


def _begin(work: Work, listener: socket.socket, all_leave: Any, ready: Any, parent: int) -> None:
    def is_ready() -> None:
        ready.value = 1

    work(listener, lambda: bool(all_leave.value), is_ready, parent)
