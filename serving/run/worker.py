"""A worker under gunicorn: the same server as in one process, on a socket that it shares."""

import importlib
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.workers import base

from modelpack.errors import ModelpackError
from serving.metrics import Family, Metrics
from serving.run.plan import Plan
from serving.run.roster import Door, Once, Roster

_BEAT_SECONDS = 1.0


class _Pulse:
    """The file by whose age a master sees that a worker lives; in memory, where a disk may be read-only."""

    def __init__(self, cfg: object) -> None:
        del cfg
        self._descriptor = os.memfd_create("pulse")

    def notify(self) -> None:
        now = time.monotonic()
        os.utime(self._descriptor, (now, now))

    def last_update(self) -> float:
        return os.fstat(self._descriptor).st_mtime

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


# gunicorn 27 has no setting for this; its own one needs a folder to write to.
base.WorkerTmp = _Pulse


class Worker(base.Worker):  # type: ignore[misc]  # gunicorn publishes no types
    """Loads the model after the fork, and serves.

    Not gunicorn's own ``asgi`` worker: with it a server of several processes would speak HTTP through another
    parser than one of a single process, with other limits and another way to leave.
    """

    plan: Plan
    roster: Roster
    family: Family
    """The memory for what is counted, and in it the place of this worker, which the master has chosen."""
    region: int = 0
    announcing: Once
    complaining: Once

    def init_signals(self) -> None:
        """gunicorn's, but SIGQUIT, which stands for the keyboard's SIGINT, lets running requests end."""
        super().init_signals()
        self._server: Any = None
        signal.signal(signal.SIGQUIT, self._hurry)

    def load_wsgi(self) -> None:
        """Load the model, however long it takes; a model that cannot be loaded ends all workers."""
        with _Heartbeat(self):
            try:
                # Imported now, not above: numpy's libraries start threads when they are imported, and the
                # master reads this file. No thread may exist where a fork happens.
                process = importlib.import_module("serving.run.process")
                self._process = process.Process(self.plan, Metrics(self.family, self.region))
            except ModelpackError as error:
                if not self.complaining.claim():
                    # gunicorn 27 stumbles over a second failure to boot while it halts for the first.
                    sys.exit(0)
                os.write(2, f"Error: {error}\n".encode())
                sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def run(self) -> None:
        """Serve until told to stop."""
        if not self.alive:
            return
        self._process.serve(
            [listener.sock for listener in self.sockets],
            door=Door(self.roster, self.age),
            ready=self._say_ready,
            beat=self._beat,
            parent=self.ppid,
        )

    def _say_ready(self) -> None:
        self._server = self._process.server
        if self.announcing.claim():
            self._process.announce()

    async def _beat(self) -> None:
        self.notify()

    def _hurry(self, sig: int, frame: FrameType | None) -> None:
        del sig, frame
        if self._server is None:
            sys.exit(0)
        self._server.leave(hurried=True)


class _Heartbeat:
    """Tells the master that *worker* lives, while its one thread is busy with loading."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(_BEAT_SECONDS):
            self._worker.notify()
