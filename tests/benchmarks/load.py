"""Drivers: the same requests again and again for some seconds, and what came of it."""

import http.client
import json
import math
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.benchmarks.client import PATIENCE, Question, Target

SCRIPT = Path(__file__).with_name("post.lua")
WRK_IS_ABSENT = (
    "wrk is not installed; it makes the load (Debian: apt-get install wrk). "
    "--driver python measures without it, with less load than a fast server bears."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a driver met: *requests* in *seconds*, percentiles in seconds, *errors* by kind."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0


class Driver(Protocol):
    """Keeps *concurrency* requests under way at *target* for *seconds*, *questions* in turn."""

    def __call__(
        self, target: Target, questions: Sequence[Question], folder: Path, *, concurrency: int, seconds: float
    ) -> Load:
        """What came of it; *folder* holds the bodies of the questions as files 0, 1 and so on."""


def drive_with_wrk(
    target: Target, questions: Sequence[Question], folder: Path, *, concurrency: int, seconds: float
) -> Load:
    """By wrk, in whole seconds; one thread of it is faster than any server here."""
    url = f"http://127.0.0.1:{target.port}{target.path}"
    length = max(1, round(seconds))
    command = ["wrk", "-t1", f"-c{concurrency}", f"-d{length}s", "--timeout", f"{PATIENCE:.0f}s", "-s"]
    words = [str(folder), str(len(questions)), target.protocol.media_type]
    done = subprocess.run(
        [*command, str(SCRIPT), url, "--", *words],
        capture_output=True,
        text=True,
        timeout=length + 2 * PATIENCE,
        check=True,
    )
    return read_wrk(done.stdout)


def read_wrk(text: str) -> Load:
    """The line that post.lua prints last."""
    told = json.loads(text.strip().splitlines()[-1])
    return Load(
        requests=told["requests"],
        seconds=told["microseconds"] / 1e6,
        p50=told["p50"] / 1e6,
        p99=told["p99"] / 1e6,
        errors={kind: told[kind] for kind in ("connect", "read", "write", "status", "timeout") if told[kind]},
    )


def drive_with_python(
    target: Target, questions: Sequence[Question], folder: Path, *, concurrency: int, seconds: float
) -> Load:
    """By threads of this process: slow itself, but everywhere at hand."""
    del folder
    begun = time.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        callers = [
            pool.submit(_call, target, questions, number, begun + seconds) for number in range(concurrency)
        ]
        told = [caller.result() for caller in callers]
    took = time.monotonic() - begun
    times = sorted(one for times, _ in told for one in times)
    errors: dict[str, int] = {}
    for _, kinds in told:
        for kind in kinds:
            errors[kind] = errors.get(kind, 0) + 1
    return Load(
        requests=len(times),
        seconds=took,
        p50=percentile(times, 50),
        p99=percentile(times, 99),
        errors=errors,
    )


def _call(
    target: Target, questions: Sequence[Question], first: int, until: float
) -> tuple[list[float], list[str]]:
    times, errors = [], []
    connection = target.connect()
    number = first
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            connection.request(
                "POST",
                target.path,
                questions[number % len(questions)].body,
                {"Content-Type": target.protocol.media_type},
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            errors.append("timeout" if isinstance(error, TimeoutError) else "read")
            connection.close()
        else:
            times.append(time.monotonic() - begun)
            if not 200 <= answer.status < 300:
                errors.append("status")
        number += 1
    connection.close()
    return times, errors


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least of *ordered* values that *percent* of them do not exceed; NaN of none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def has_wrk() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


DRIVERS: dict[str, Driver] = {"wrk": drive_with_wrk, "python": drive_with_python}
