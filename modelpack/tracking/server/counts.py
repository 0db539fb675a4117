"""What a server counts, in Prometheus' form, and right with several processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder where the processes of one server count together; read when the library is imported."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Counts:
    """Counters of this process; with *folder*, those of every process that counts there are told."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._registry = CollectorRegistry()
        own: Any = {"registry": self._registry}
        self._requests = Counter(
            "modelpack_requests_total",
            "Requests that were answered.",
            ["method", "route", "status"],
            **own,
        )
        self._seconds = Histogram(
            "modelpack_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["route"],
            buckets=_BUCKETS,
            **own,
        )
        self._running = Gauge(
            "modelpack_requests_in_flight",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            **own,
        )
        route = ["route"]
        self._received = Counter("modelpack_received_bytes_total", "Bytes that came in.", route, **own)
        self._sent = Counter("modelpack_sent_bytes_total", "Bytes that went out.", route, **own)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While one more request is being answered."""
        self._running.inc()
        try:
            yield
        finally:
            self._running.dec()

    def add(
        self, *, method: str, route: str, status: int, seconds: float, bytes_in: int, bytes_out: int
    ) -> None:
        """One request that is over."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if bytes_in:
            self._received.labels(route).inc(bytes_in)
        if bytes_out:
            self._sent.labels(route).inc(bytes_out)

    def text(self) -> bytes:
        """All of it, for a scraper."""
        if not self._folder:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=self._folder)  # type: ignore[no-untyped-call]  # theirs has no types
        return generate_latest(together)


def folder_here() -> str:
    """The folder that this process was told to count in; empty without one."""
    return os.environ.get(FOLDER_VARIABLE, "")


def forget(process: int, folder: str) -> None:
    """Take *process*, which is no more, out of what is told of the living."""
    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]  # theirs has no types
