"""Calls off the event loop."""

import asyncio
import threading
import weakref

import pytest

from modelpack.errors import PredictionFailed
from serving.workers import Workers


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
