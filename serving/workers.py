"""Calls off the event loop, by a fixed set of threads."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from modelpack.errors import PredictionFailed

T = TypeVar("T")


class Workers:
    """Runs plain functions on *threads* threads of its own, the oldest first; whoever starts them counts."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._pool = [
            # Daemons, unlike the standard library's pool: a model that hangs must not keep the process alive.
            threading.Thread(target=self._work, name=f"predict-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._pool:
            thread.start()

    def start(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """What *function* returns or raises, once a thread has come to it. Call it on the event loop.

        No thread can be stopped from outside: a function that nobody waits for any more is run to its end.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((function, future))
        return future

    def close(self) -> None:
        """Let the threads end when they have nothing left to do."""
        for _ in self._pool:
            self._queue.put(None)

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            function, future = call
            result, error = None, None
            try:
                result = function()
            except Exception as raised:  # noqa: BLE001 - carried to whoever asked
                error = raised
            except BaseException as raised:  # noqa: BLE001 - sys.exit() in a model ends a request, not a server
                error = PredictionFailed(raised)
            loop = future.get_loop()
            # Nothing of this call is kept while the thread waits for the next one.
            del function, call
            try:
                loop.call_soon_threadsafe(_finish, future, result, error)
            except RuntimeError:
                return  # the loop is closed: the server has gone
            del future, result, error


def _finish(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
