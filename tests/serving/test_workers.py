"""Calls off the event loop, and how many at a time."""

import asyncio
import threading
import weakref
from pathlib import Path

import pytest

from modelpack.errors import PredictionFailed
from serving.workers import Workers, processors


def test_a_call_runs_in_a_thread_and_its_result_comes_back() -> None:
    async def scene() -> None:
        workers = Workers(2)
        names = await asyncio.gather(
            *(workers.start(lambda: threading.current_thread().name) for _ in range(4))
        )
        assert set(names) <= {"predict-0", "predict-1"}
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
        workers = Workers(1)
        with pytest.raises(wanted):
            await workers.start(fail)
        assert await workers.start(lambda: "alive") == "alive"
        workers.close()

    asyncio.run(scene())


def test_a_call_that_nobody_waits_for_harms_none_of_the_others() -> None:
    async def scene() -> None:
        gate = threading.Event()
        workers = Workers(1)
        left = workers.start(gate.wait)
        left.cancel()
        next_one = workers.start(lambda: "next")
        gate.set()
        assert await next_one == "next"
        workers.close()

    asyncio.run(scene())


def test_a_thread_that_waits_keeps_nothing_of_its_last_call() -> None:
    class Rows:
        pass

    async def scene() -> None:
        workers = Workers(1)
        rows = Rows()
        kept = weakref.ref(rows)
        await workers.start(lambda rows=rows: rows is None)  # type: ignore[misc]  # a default, not an argument
        del rows
        for _ in range(100):
            if kept() is None:
                break
            await asyncio.sleep(0.01)
        assert kept() is None
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
