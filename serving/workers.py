"""Calls off the event loop: a fixed set of threads, and a bounded line before them."""

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from modelpack.errors import PredictionFailed
from serving.errors import DeadlinePassed, Overloaded

T = TypeVar("T")


class _Call(Generic[T]):
    """One function on its way through a thread. Whoever takes *claim* first, thread or caller, decides."""

    def __init__(self, function: Callable[[], T], future: "asyncio.Future[T]") -> None:
        self.function = function
        self.future = future
        self.claim = threading.Lock()
        self.is_late = False


class Workers:
    """Runs plain functions on *threads* threads; at most *limit* calls run or wait.

    A call that has outlived its deadline keeps its thread and its place until it ends, for no thread can be
    stopped from outside. When every thread is held like that, new calls are turned away at once.
    """

    def __init__(self, threads: int, *, limit: int) -> None:
        self.threads = threads
        self.limit = limit
        self.in_flight = 0
        self._late = 0
        self._queue: queue.SimpleQueue[_Call[Any] | None] = queue.SimpleQueue()
        self._pool = [
            # Daemons, unlike the standard library's pool: a model that hangs must not keep the process alive.
            threading.Thread(target=self._work, name=f"predict-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._pool:
            thread.start()

    def require_room(self) -> None:
        """Raise Overloaded unless one more call would be taken now."""
        if self._late >= self.threads:
            raise Overloaded(
                "every thread is held by a prediction over its time; try again later", retry_after=5
            )
        if self.in_flight >= self.limit:
            raise Overloaded(f"{self.in_flight} predictions run or wait already; try again soon")

    async def run(self, function: Callable[[], T], *, seconds: float | None) -> T:
        """The result of *function*, in at most *seconds*.

        Raises what it raises, Overloaded when there is no room, and DeadlinePassed.
        """
        self.require_room()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        call = _Call(function, future)
        self.in_flight += 1
        self._queue.put(call)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            self._abandon(call)
            raise DeadlinePassed(f"the model took longer than {seconds:g} s") from None
        except asyncio.CancelledError:
            self._abandon(call)
            raise

    def close(self) -> None:
        """Let the threads end when they have nothing left to do."""
        for _ in self._pool:
            self._queue.put(None)

    def _abandon(self, call: _Call[Any]) -> None:
        if call.claim.acquire(blocking=False):
            self.in_flight -= 1
        elif not call.future.done() or call.future.cancelled():
            call.is_late = True
            self._late += 1

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            if not call.claim.acquire(blocking=False):
                continue
            result, error = None, None
            try:
                result = call.function()
            except Exception as raised:  # noqa: BLE001 - carried to whoever asked
                error = raised
            except BaseException as raised:  # noqa: BLE001 - sys.exit() in a model ends a request, not a server
                error = PredictionFailed(raised)
            loop = call.future.get_loop()
            try:
                loop.call_soon_threadsafe(self._finish, call, result, error)
            except RuntimeError:
                return  # the loop is closed: the server has gone

    def _finish(self, call: _Call[Any], result: Any, error: Exception | None) -> None:
        self.in_flight -= 1
        self._late -= call.is_late
        if call.future.done():
            return
        if error is None:
            call.future.set_result(result)
        else:
            call.future.set_exception(error)


def processors(root: Path = Path("/")) -> float:
    """How many processors this process may use: its affinity, or the share of its control group."""
    allowed = float(len(os.sched_getaffinity(0)))
    quota = _quota(root)
    return min(allowed, quota) if quota else allowed


def _quota(root: Path) -> float | None:
    """The control group's share, as version 2 or version 1 has it; None without a limit."""
    group = root / "sys/fs/cgroup"
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join((group / name).read_text() for name in names).split()
            return int(words[0]) / int(words[1]) if int(words[0]) > 0 else None
        except (OSError, ValueError, IndexError, ZeroDivisionError):
            continue
    return None
