"""Calls off the event loop, in bounded numbers."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from modelpack.errors import PredictionFailed
from serving.errors import DeadlinePassed, Overloaded
from serving.workers import Workers, processors


async def until(claim: "threading.Event | object", seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    assert callable(claim)
    while not claim():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_a_call_runs_in_a_thread_and_its_result_comes_back() -> None:
    async def scene() -> None:
        workers = Workers(2, limit=4)
        names = await asyncio.gather(
            *(workers.run(lambda: threading.current_thread().name, seconds=5) for _ in range(4))
        )
        assert set(names) <= {"predict-0", "predict-1"}
        assert workers.in_flight == 0
        workers.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [(KeyError("x"), KeyError), (SystemExit(3), PredictionFailed), (KeyboardInterrupt(), PredictionFailed)],
)
def test_what_a_call_raises_comes_back_and_the_thread_lives_on(
    raised: BaseException, wanted: type[BaseException]
) -> None:
    def fail() -> None:
        raise raised

    async def scene() -> None:
        workers = Workers(1, limit=2)
        with pytest.raises(wanted):
            await workers.run(fail, seconds=5)
        assert await workers.run(lambda: "alive", seconds=5) == "alive"
        assert workers.in_flight == 0
        workers.close()

    asyncio.run(scene())


def test_no_more_calls_are_taken_than_the_limit_says() -> None:
    async def scene() -> None:
        gate = threading.Event()
        workers = Workers(1, limit=3)
        running = [asyncio.create_task(workers.run(gate.wait, seconds=5)) for _ in range(3)]
        await until(lambda: workers.in_flight == 3)
        started = time.perf_counter()
        with pytest.raises(Overloaded):
            await workers.run(lambda: None, seconds=5)
        assert time.perf_counter() - started < 0.01
        gate.set()
        assert await asyncio.gather(*running) == [True] * 3
        assert await workers.run(lambda: "room again", seconds=5) == "room again"
        workers.close()

    asyncio.run(scene())


def test_a_late_call_keeps_its_place_until_it_ends() -> None:
    async def scene() -> None:
        gate = threading.Event()
        workers = Workers(2, limit=8)
        with pytest.raises(DeadlinePassed, match="longer than"):
            await workers.run(gate.wait, seconds=0.05)
        assert workers.in_flight == 1
        assert await workers.run(lambda: "the other thread", seconds=5) == "the other thread"
        gate.set()
        await until(lambda: workers.in_flight == 0)
        workers.close()

    asyncio.run(scene())


def test_when_every_thread_is_held_by_a_late_call_new_ones_are_turned_away_at_once() -> None:
    async def scene() -> None:
        gate = threading.Event()
        workers = Workers(2, limit=50)
        for _ in range(2):
            with pytest.raises(DeadlinePassed):
                await workers.run(gate.wait, seconds=0.05)
        with pytest.raises(Overloaded, match="every thread is held"):
            await workers.run(lambda: None, seconds=5)
        gate.set()
        await until(lambda: workers.in_flight == 0)
        assert await workers.run(lambda: "free", seconds=5) == "free"
        workers.close()

    asyncio.run(scene())


def test_a_call_that_never_began_gives_its_place_back_at_its_deadline_and_is_not_run() -> None:
    async def scene() -> None:
        gate, ran = threading.Event(), threading.Event()
        workers = Workers(1, limit=4)
        first = asyncio.create_task(workers.run(gate.wait, seconds=5))
        await until(lambda: workers.in_flight == 1)
        with pytest.raises(DeadlinePassed):
            await workers.run(ran.set, seconds=0.05)
        assert workers.in_flight == 1
        gate.set()
        await first
        assert await workers.run(lambda: "after", seconds=5) == "after"
        assert not ran.is_set()
        assert workers.in_flight == 0
        workers.close()

    asyncio.run(scene())


def test_a_caller_that_is_cancelled_leaks_no_place() -> None:
    async def scene() -> None:
        gate = threading.Event()
        workers = Workers(1, limit=10)
        tasks = [asyncio.create_task(workers.run(gate.wait, seconds=5)) for _ in range(5)]
        await until(lambda: workers.in_flight == 5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert workers.in_flight == 1, "the one that runs"
        gate.set()
        await until(lambda: workers.in_flight == 0)
        assert await workers.run(lambda: 1, seconds=5) == 1
        workers.close()

    asyncio.run(scene())


def test_thousands_of_calls_with_deadlines_leave_the_books_even() -> None:
    async def scene() -> None:
        workers = Workers(2, limit=2000)
        outcomes = await asyncio.gather(
            *(
                workers.run(lambda: time.sleep(0.0005), seconds=0.05 + number % 7 * 0.05)
                for number in range(1500)
            ),
            return_exceptions=True,
        )
        assert {type(one) for one in outcomes} <= {type(None), DeadlinePassed}
        assert any(one is None for one in outcomes)
        await until(lambda: workers.in_flight == 0)
        assert await workers.run(lambda: "even", seconds=5) == "even"
        workers.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"cpu.max": "50000 100000"}, 0.5),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "25000", "cpu/cpu.cfs_period_us": "100000"}, 0.25),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_share_of_a_control_group_counts(
    tmp_path: Path, files: dict[str, str], wanted: float | None
) -> None:
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    everything = processors(Path("/nowhere"))
    assert processors(tmp_path) == (everything if wanted is None else min(wanted, everything))
    assert everything >= 1
