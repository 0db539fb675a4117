"""Several processes: gunicorn minds the workers, and never loads the model itself."""

import gc
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from modelpack.logs import JsonFormatter
from serving.metrics import Family
from serving.run.plan import VARIABLE, Plan
from serving.run.roster import TRIES, Once, Roster
from serving.run.worker import Worker

_PATIENCE = 2
"""A worker whose event loop stands still for this many request times is replaced."""

_LEAST_PATIENCE = 30
_MARGIN_SECONDS = 5


def serve_with_workers(plan: Plan, listener: socket.socket, *others: socket.socket) -> NoReturn:
    """Become the master of *plan*'s workers; does not return.

    A master that forks must have one thread. If this process has more (what it needed to find the model may
    have started some: numpy's libraries do, where they are allowed several), it starts anew, with the open
    *listener*, *others* that are held for somebody else, and the plan as its only baggage. If not, its
    workers inherit what it has imported.
    """
    if threads_here() > 1:
        for one in (listener, *others):
            one.set_inheritable(True)
        environ = {**os.environ, VARIABLE: plan.to_text()}
        os.execve(sys.executable, [sys.executable, "-P", "-m", "serving.run.master"], environ)  # noqa: S606
    listener.detach()  # gunicorn takes the descriptor by its number
    # Workers share the memory of what nobody writes to; the garbage collector would.
    gc.collect()
    gc.freeze()
    Master(plan).run()
    sys.exit(0)


def threads_here() -> int:
    """How many threads this process has, those of libraries too."""
    try:
        return len([*Path("/proc/self/task").iterdir()])
    except OSError:
        return 2  # nobody knows; better to start anew


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn's, but it tells its workers when none of them will be replaced."""

    def __init__(self, master: "Master", roster: Roster) -> None:
        self._roster = roster
        super().__init__(master)

    def stop(self, graceful: bool = True) -> None:
        self._roster.dismiss()
        super().stop(graceful)


class Master(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn, told all by *plan*: no file, no variable and no argument of its own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._roster, self._family = Roster(), Family()
        super().__init__()

    def load_config(self) -> None:
        """Fill in gunicorn's settings."""
        settings = self._plan.settings
        worker = type(
            "PlannedWorker",
            (Worker,),
            {
                "plan": self._plan,
                "roster": self._roster,
                "family": self._family,
                "announcing": Once(),
                "complaining": Once(),
            },
        )
        patience = max(_LEAST_PATIENCE, round(_PATIENCE * settings.timeout)) if settings.timeout else 0
        values = {
            "bind": f"fd://{self._plan.descriptor}",
            "workers": settings.workers,
            "worker_class": worker,
            "timeout": patience,
            "graceful_timeout": round(settings.linger + settings.drain) + _MARGIN_SECONDS,
            "loglevel": "warning",
            "control_socket_disable": True,
            "on_starting": _log_as_we_do,
            "pre_fork": self._before_fork,
            "child_exit": self._after_exit,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> None:
        """Nothing: workers load for themselves."""

    def run(self) -> None:
        """Mind the workers until a signal says to stop; ends the process."""
        _Arbiter(self, self._roster).run()

    def _before_fork(self, arbiter: Any, worker: Any) -> None:
        del arbiter
        if self._roster.hopeless:
            raise HaltServer(f"{TRIES} workers in a row ended before they were ready", 1)
        worker.region = self._family.take(worker.age)

    def _after_exit(self, arbiter: Any, worker: Any) -> None:
        del arbiter
        self._roster.ended(worker.age)
        self._family.release(worker.age)


def _log_as_we_do(arbiter: Any) -> None:
    del arbiter
    log = logging.getLogger("gunicorn.error")
    for handler in log.handlers:
        handler.setFormatter(JsonFormatter())
    log.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not the echoes of a worker's own complaint that its model cannot be loaded."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    from_boot = record.msg == "Worker (pid:%s) exited with code %s." and arguments[1:] == (3,)
    return not (from_boot or record.msg == "Shutting down: %s" or arguments == ("Worker failed to boot.",))


if __name__ == "__main__":
    Master(Plan.from_text(os.environ.pop(VARIABLE))).run()
