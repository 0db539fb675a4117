"""The load: a process that keeps so many requests under way, and compares every answer."""

import asyncio
import contextlib
import math
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvloop

from serving.bench.parent import end_with
from serving.errors import BenchmarkFailed

TOLERANCE = 1e-6
"""Numbers may differ by so much, relative to the model's own: what a certificate allows its engine."""

_NEARLY_NOTHING = 1e-12
_PAUSE = 0.02
_BEGUN = b"\n"
"""What a driver says before its result, which is JSON."""

_MOST_KNOWN = 100
_HEAD = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """*concurrency* callers, each of whom asks again when answered, post *bodies* in turn for *seconds*.

    *answers* are the right ones, as JSON. What is answered in the *warm* seconds before that is compared,
    and counts nowhere else. *patience* is the time for one answer.
    """

    port: int
    bodies: list[bytes]
    answers: list[bytes]
    concurrency: int
    seconds: float
    warm: float = 0.0
    patience: float = 60.0
    path: str = "/invocations"
    media_type: str = "application/json"

    def requests(self) -> list[bytes]:
        """What goes over the wire, head and body."""
        path, kind = self.path.encode(), self.media_type.encode()
        return [_HEAD % (path, self.port, kind, len(body)) + body for body in self.bodies]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the requests.

    *right* answers, *wrong* ones, other *statuses* than 200 by number; *broken*: sent and never answered;
    *refused*: no connection to be had, so that nothing was sent. *seconds* were measured, in which *timed*
    answers came, whose *p50*, *p95* and *p99* are in seconds. *busy* is the driver's own share of a
    processor. *wrong_answer* is the first.
    """

    right: int = 0
    wrong: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    refused: int = 0
    seconds: float = 0.0
    timed: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    busy: float = 0.0
    wrong_answer: str = ""

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return self.timed / self.seconds if self.seconds else 0.0


@contextlib.contextmanager
def driving(load: Load) -> Iterator["subprocess.Popen[bytes]"]:
    """A driver that has begun, in a process of its own, which ends with the block at the latest."""
    driver = subprocess.Popen(  # noqa: S603 - this interpreter, this module
        [sys.executable, "-P", "-m", "serving.bench.driver", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if driver.stdin is None or driver.stdout is None:
        raise TypeError("pipes were asked for")
    try:
        # One that is gone already is known by its exit code.
        with contextlib.suppress(BrokenPipeError), driver.stdin:
            driver.stdin.write(msgspec.json.encode(load))
        driver.stdin = None
        os.read(driver.stdout.fileno(), len(_BEGUN))
        yield driver
    finally:
        driver.kill()
        driver.wait()
        driver.stdout.close()


def result_of(driver: "subprocess.Popen[bytes]", *, seconds: float) -> Tally:
    """What *driver* found when it was done. Raises BenchmarkFailed when it does not within *seconds*."""
    try:
        told, _ = driver.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise BenchmarkFailed(f"the driver was not done after {seconds:g} s") from None
    if driver.returncode:
        raise BenchmarkFailed(f"the driver ended with code {driver.returncode}")
    return msgspec.json.decode(told, type=Tally)


class _Drive:
    """One load under way."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.requests = load.requests()
        self.tally = Tally()
        self.times = array("d")
        self.asking = True
        self.timing = False
        self._known: list[set[bytes]] = [{answer} for answer in load.answers]
        self._wanted = [msgspec.json.decode(answer) for answer in load.answers]

    def met(self, number: int, status: int, body: bytes, took: float) -> None:
        """The question *number* was answered."""
        if status != 200:
            name = str(status)
            self.tally.statuses[name] = self.tally.statuses.get(name, 0) + 1
        elif self._is_right(number, body):
            self.tally.right += 1
            if self.timing:
                self.times.append(took)
        else:
            self.tally.wrong += 1
            self.tally.wrong_answer = self.tally.wrong_answer or body[:200].decode(errors="replace")

    def _is_right(self, number: int, body: bytes) -> bool:
        known = self._known[number]
        if body in known:
            return True
        try:
            right = same(msgspec.json.decode(body), self._wanted[number])
        except msgspec.DecodeError:
            return False
        if right and len(known) < _MOST_KNOWN:
            known.add(body)
        return right


def same(got: Any, wanted: Any) -> bool:
    """Whether two JSON values are the same but for the last digits of their numbers."""
    if isinstance(wanted, dict):
        return (
            isinstance(got, dict)
            and got.keys() == wanted.keys()
            and all(same(got[name], value) for name, value in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(same, got, wanted))
    if isinstance(wanted, float) or isinstance(got, float):
        both = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (got, wanted))
        return both and math.isclose(got, wanted, rel_tol=TOLERANCE, abs_tol=_NEARLY_NOTHING)
    return type(got) is type(wanted) and bool(got == wanted)


class _Caller(asyncio.Protocol):
    """One connection: asks, waits for the answer, asks again."""

    def __init__(self, drive: _Drive, number: int) -> None:
        self._drive = drive
        self._number = number
        self._heard = bytearray()
        self._asked = 0.0
        self.waits = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # it is a stream
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if not self._drive.asking:
            self._transport.close()
            return
        self._number = (self._number + 1) % len(self._drive.requests)
        self.waits = True
        self._asked = time.perf_counter()
        self._transport.write(self._drive.requests[self._number])

    def data_received(self, data: bytes) -> None:
        self._heard += data
        end = self._heard.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._heard[:end]).lower()
        _, named, rest = head.partition(b"content-length:")
        length = int(rest.partition(b"\r\n")[0]) if named else 0
        if len(self._heard) < end + 4 + length:
            return
        body = bytes(self._heard[end + 4 : end + 4 + length])
        del self._heard[: end + 4 + length]
        self.waits = False
        self._drive.met(self._number, int(head[9:12]), body, time.perf_counter() - self._asked)
        if b"connection: close" in head:
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.waits:
            self._drive.tally.broken += 1
        if not self.gone.done():
            self.gone.set_result(None)

    def hang_up(self) -> None:
        """Wait no longer."""
        self._transport.abort()


async def drive(load: Load) -> Tally:
    """Make the load from this event loop."""
    state = _Drive(load)
    callers: dict[int, _Caller] = {}
    tasks = [asyncio.create_task(_call(state, number, callers)) for number in range(load.concurrency)]
    await asyncio.sleep(load.warm)
    begun, used = time.perf_counter(), time.process_time()
    state.timing = True
    await asyncio.sleep(load.seconds)
    state.asking = False
    busy = (time.process_time() - used) / max(time.perf_counter() - begun, 1e-9)
    await asyncio.wait(tasks, timeout=load.patience)
    took = time.perf_counter() - begun
    for caller in callers.values():
        caller.hang_up()
    await asyncio.gather(*tasks)
    ordered = sorted(state.times)
    tally = state.tally
    tally.seconds, tally.busy, tally.timed = took, busy, len(ordered)
    tally.p50, tally.p95, tally.p99 = (percentile(ordered, one) for one in (50, 95, 99))
    return tally


async def _call(state: _Drive, number: int, callers: dict[int, _Caller]) -> None:
    """Be caller *number*, on one connection after the other where the server closes them."""
    loop = asyncio.get_running_loop()
    while state.asking:
        try:
            _, caller = await loop.create_connection(
                lambda: _Caller(state, number), "127.0.0.1", state.load.port
            )
        except OSError:
            state.tally.refused += 1
            await asyncio.sleep(_PAUSE)
            continue
        callers[number] = caller
        await caller.gone


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The least of *ordered* values that *percent* of them do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def main() -> None:
    """Read a load from standard input, make it, and write what came of it to standard output."""
    end_with(int(sys.argv[1]))
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(_BEGUN)
    sys.stdout.flush()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        tally = runner.run(drive(load))
    sys.stdout.buffer.write(msgspec.json.encode(tally))


if __name__ == "__main__":
    main()
