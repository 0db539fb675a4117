"""Real processes for tests, started in milliseconds: their parent has imported all, and opened nothing."""

import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import ForkServerContext
from typing import Any, Final, TypeVar

T = TypeVar("T")

PRELOADED: Final = [
    "pytest",
    "alembic.command",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "modelpack.registry.client",
    "tests.modelpack.registry.workers",
    "tests.modelpack.artifacts.workers",
]


def context() -> ForkServerContext:
    """The one parent of this run's processes."""
    one = multiprocessing.get_context("forkserver")
    one.set_forkserver_preload(PRELOADED)
    return one


def at_once(act: Callable[..., T], arguments: Iterable[tuple[Any, ...]]) -> list[T]:
    """What *act* answers to each of *arguments*, when as many processes call it at the same instant."""
    listed = list(arguments)
    with ProcessPoolExecutor(len(listed), mp_context=context()) as pool:
        # All are asked to wait once first, so that none has started to work before the last one is there.
        list(pool.map(time.sleep, [0.05] * len(listed)))
        start = time.time() + 0.3
        futures = [pool.submit(_after, start, act, one) for one in listed]
        return [future.result(timeout=120) for future in futures]


def _after(start: float, act: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    time.sleep(max(start - time.time(), 0))
    return act(*arguments)
