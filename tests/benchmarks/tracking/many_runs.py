"""Searches of a hundred thousand runs, each with ten params and ten metrics, in our own store."""

import random
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from modelpack.tracking import MlflowClient

NEWEST: Final = 1_700_000_000_000

QUESTIONS: Final[dict[str, tuple[str, Sequence[str], int]]] = {
    "the newest hundred": ("", (), 100),
    "one metric, few runs": ("metrics.m0 > 0.99", ("metrics.m1 DESC",), 100),
    "one metric, half of the runs": ("metrics.m0 > 0.5", ("metrics.m1 DESC",), 100),
    "three metrics": (
        "metrics.m0 > 0.9 and metrics.m1 > 0.9 and metrics.m2 > 0.9",
        ("metrics.m3 DESC",),
        100,
    ),
    "a common param": ("params.p1 = '3'", ("metrics.m1 DESC",), 100),
    "a rare param": ("params.p4 = '3'", ("metrics.m1 DESC",), 100),
    "a param and a metric": ("params.p1 = '3' and metrics.m2 < 0.01", ("params.p4 ASC",), 100),
    "a text that begins so": ("params.p4 LIKE '12%'", (), 100),
    "nothing": ("metrics.m0 > 2", (), 100),
    "one name": ("attributes.run_name = 'run 77'", (), 100),
    "the oldest": ("", ("attributes.start_time ASC",), 100),
}
"""What is searched for: a filter, an order, and how many at most."""


def fill(database: Path, runs: int, *, seed: int) -> str:
    """Put *runs* into a new experiment of *database*, past the client for speed; the experiment's id."""
    client = MlflowClient(f"sqlite:///{database}")
    try:
        experiment = client.create_experiment("many")
    finally:
        client.close()
    chance = random.Random(seed)
    with closing(sqlite3.connect(database)) as connection:
        (taken,) = connection.execute("SELECT coalesce(max(id), 0) FROM modelpack_runs").fetchone()
        for number in range(taken + 1, taken + runs + 1):
            connection.execute(
                "INSERT INTO modelpack_runs "
                "(id, run_id, experiment, name, author, status, started, ended, lifecycle, location) "
                "VALUES (?, ?, ?, ?, 'me', 'FINISHED', ?, 1, 'active', 'file:///nowhere')",
                (
                    number,
                    f"{chance.getrandbits(128):032x}",
                    int(experiment),
                    f"run {number}",
                    NEWEST + chance.randrange(10**9),
                ),
            )
            connection.executemany(
                "INSERT INTO modelpack_latest (run, key, step, at, nan, value) VALUES (?, ?, 0, 1, 0, ?)",
                [(number, f"m{key}", chance.random()) for key in range(10)],
            )
            connection.executemany(
                "INSERT INTO modelpack_params (run, key, value) VALUES (?, ?, ?)",
                [(number, f"p{key}", str(chance.randrange(10 ** (key % 5)))) for key in range(10)],
            )
            connection.execute(
                "INSERT INTO modelpack_run_tags (run, key, value) VALUES (?, 'mlflow.runName', ?)",
                (number, f"run {number}"),
            )
        connection.commit()
    return experiment


def measure(database: Path, experiment: str, *, rounds: int = 5) -> dict[str, tuple[float, int]]:
    """By question: the median milliseconds of *rounds* answers, and how many runs were found."""
    client = MlflowClient(f"sqlite:///{database}")
    try:
        return {name: _asked(client, experiment, name, rounds) for name in QUESTIONS}
    finally:
        client.close()


def _asked(client: MlflowClient, experiment: str, name: str, rounds: int) -> tuple[float, int]:
    where, order, most = QUESTIONS[name]
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        found = client.search_runs([experiment], where, order_by=list(order), max_results=most)
        took.append((time.perf_counter() - begun) * 1000)
    return sorted(took)[rounds // 2], len(found)
