"""Reading, waiting, deadlines: the data plane without a word of HTTP."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
import pytest

from modelpack.errors import PredictionFailed, Uncertified
from serving.codecs.json import JsonCodec
from serving.dataplane import INLINE_BYTES, Answer, DataPlane
from serving.errors import DeadlinePassed, InvalidRequest, Leaving, Overloaded
from serving.models import Served
from serving.run.process import plane_of
from serving.settings import Settings
from serving.workers import Workers
from tests.serving.kit import add, served

CODEC = JsonCodec(coerce="lossless", depth_limit=64)
BODY = b'{"dataframe_split":{"columns":["a","b"],"data":[[%d,1]]}}'


def play(
    scene: Callable[[DataPlane], Awaitable[None]], model: Served, *, threads: int = 1, **settings: Any
) -> None:
    async def within() -> None:
        workers = Workers(threads)
        try:
            await scene(plane_of(model, Settings(**settings), workers))
        finally:
            workers.close()

    asyncio.run(within())


async def until(claim: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def held_by(gate: threading.Event) -> Callable[[Any, Mapping[str, Any]], Any]:
    """A model that answers once *gate* is open."""

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        assert gate.wait(10)
        return add(data, params)

    return predict


def test_a_body_is_answered_on_either_side_of_the_size_that_the_event_loop_reads() -> None:
    small = b'{"dataframe_split":{"columns":["a","b"],"data":[' + b",".join([b"[1,2]"] * 9) + b"]}}"
    large = b'{"dataframe_split":{"columns":["a","b"],"data":[' + b",".join([b"[1,2]"] * 9000) + b"]}}"
    assert len(small) < INLINE_BYTES < len(large)

    async def scene(plane: DataPlane) -> None:
        for body, rows in ((small, 9), (large, 9000)):
            answer = await plane.predict(body, CODEC)
            assert answer.rows == rows
            assert answer.body == b'{"predictions":[' + b",".join([b"3.0"] * rows) + b"]}"

    play(scene, served())


@pytest.mark.parametrize("filler", [b"", b" " * INLINE_BYTES], ids=["small", "large"])
def test_a_late_call_is_told_so_and_keeps_its_thread_until_it_ends(filler: bytes) -> None:
    gate = threading.Event()

    async def scene(plane: DataPlane) -> None:
        with pytest.raises(DeadlinePassed, match=r"longer than 0\.3 s"):
            await plane.predict(BODY % 1 + filler, CODEC)
        assert _is_full(plane)
        gate.set()
        await until(lambda: not _is_full(plane))
        assert (await plane.predict(BODY % 2 + filler, CODEC)).body == b'{"predictions":[3.0]}'
        assert plane.batcher.inside == 0

    play(scene, served(held_by(gate)), timeout=0.3)


def test_when_every_thread_is_held_by_a_late_call_new_ones_are_turned_away_at_once() -> None:
    gate = threading.Event()

    async def scene(plane: DataPlane) -> None:
        for _ in range(2):
            with pytest.raises(DeadlinePassed):
                await plane.predict(BODY % 1, CODEC)
        with pytest.raises(Overloaded, match="every thread is held"):
            plane.require_room()
        gate.set()
        await until(lambda: not _is_full(plane))
        assert (await plane.predict(BODY % 2, CODEC)).rows == 1

    play(scene, served(held_by(gate)), threads=2, timeout=0.3, batch_rows=1)


def _is_full(plane: DataPlane) -> bool:
    try:
        plane.require_room()
    except Overloaded:
        return True
    return False


def test_no_more_callers_are_let_in_than_the_limit_says() -> None:
    gate = threading.Event()

    async def scene(plane: DataPlane) -> None:
        running = [asyncio.ensure_future(plane.predict(BODY % number, CODEC)) for number in range(3)]
        await until(lambda: plane.batcher.inside == 3)
        with pytest.raises(Overloaded, match="3 predictions run or wait"):
            await plane.predict(BODY % 1, CODEC)
        gate.set()
        bodies = [answer.body for answer in await asyncio.gather(*running)]
        assert bodies == [b'{"predictions":[%d.0]}' % (number + 1) for number in range(3)]

    play(scene, served(held_by(gate)), concurrency=3)


def test_whoever_is_cancelled_leaves_no_place_taken_and_is_not_computed() -> None:
    gate, seen = threading.Event(), []

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        assert gate.wait(10)
        seen.extend(data.columns["a"].tolist())
        return add(data, params)

    async def scene(plane: DataPlane) -> None:
        tasks = [asyncio.ensure_future(plane.predict(BODY % number, CODEC)) for number in range(5)]
        await until(lambda: plane.batcher.inside == 5)
        for task in tasks[1:4]:
            task.cancel()
        await asyncio.gather(*tasks[1:4], return_exceptions=True)
        assert plane.batcher.inside == 2
        gate.set()
        await asyncio.gather(tasks[0], tasks[4])
        assert set(seen) == {0.0, 4.0}
        assert plane.batcher.inside == 0

    play(scene, served(predict))


def test_requests_that_wait_share_a_call_and_one_row_each() -> None:
    gate, sizes = threading.Event(), []

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        assert gate.wait(10)
        sizes.append(data.rows)
        return add(data, params)

    model = served(predict)
    model.lane.is_proved = True

    async def scene(plane: DataPlane) -> None:
        tasks = [asyncio.ensure_future(plane.predict(BODY % number, CODEC)) for number in range(30)]
        await until(lambda: plane.batcher.inside == 30)
        gate.set()
        bodies = [answer.body for answer in await asyncio.gather(*tasks)]
        assert bodies == [b'{"predictions":[%d.0]}' % (number + 1) for number in range(30)]

    play(scene, model)
    assert sizes == [1, 29]


def test_a_fast_engine_is_asked_without_leaving_the_event_loop() -> None:
    threads = []

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        threads.append(threading.current_thread())
        return add(data, params)

    model = served(predict)
    model.lane.quick, model.lane.quick_rows = model.lane.predict, 1

    async def scene(plane: DataPlane) -> None:
        await plane.predict(BODY % 1, CODEC)
        await plane.predict(b'{"dataframe_split":{"columns":["a","b"],"data":[[1,1],[2,2]]}}', CODEC)

    play(scene, model)
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()


def test_a_bad_body_is_refused_before_it_waits_for_anything() -> None:
    gate = threading.Event()

    async def scene(plane: DataPlane) -> None:
        first = asyncio.ensure_future(plane.predict(BODY % 1, CODEC))
        await until(lambda: plane.batcher.inside == 1)
        with pytest.raises(InvalidRequest):
            await plane.predict(b"{}", CODEC)
        gate.set()
        await first

    play(scene, served(held_by(gate)))


def test_large_answers_are_written_off_the_event_loop() -> None:
    threads = []

    class Recording(JsonCodec):
        def encode(self, result: Any) -> bytes:
            threads.append(threading.current_thread())
            return super().encode(result)

    codec = Recording(coerce="lossless", depth_limit=64)

    async def scene(plane: DataPlane) -> None:
        await plane.predict(BODY % 1, codec)
        await plane.predict(BODY % 2, codec)

    play(scene, served(lambda data, params: np.zeros((1, int(data.columns["a"][0] == 2) * 5000 + 1))))
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()


def test_a_closed_plane_takes_nothing_new_and_ends_what_runs() -> None:
    gate = threading.Event()

    async def scene(plane: DataPlane) -> None:
        running = asyncio.ensure_future(plane.predict(BODY % 1, CODEC))
        await until(lambda: plane.batcher.inside == 1)
        plane.close()
        with pytest.raises(Leaving):
            await plane.predict(BODY % 2, CODEC)
        gate.set()
        assert (await running).rows == 1

    play(scene, served(held_by(gate)))


def quick(sizes: list[int], *, rows: int = 100, batches: bool = True) -> Served:
    """A model with a quick engine, which refuses 7 and is not certified for 8; *sizes* is what comes."""

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        sizes.append(data.rows)
        if (data.columns["a"] == 7).any():
            raise PredictionFailed(ValueError("not 7"))
        if (data.columns["a"] == 8).any():
            raise Uncertified("8 was not compared")
        return add(data, params)

    model = served()
    model.lane.quick, model.lane.quick_rows, model.lane.batches = predict, rows, batches
    return model


def asked(model: Served, *numbers: int) -> list[Any]:
    """What becomes of one question for each number, all at once: its answer, its error, or None."""
    outcomes: list[Any] = []

    async def scene(plane: DataPlane) -> None:
        outcomes.extend(plane.answer_at_once([plane.read(BODY % number, CODEC) for number in numbers]))

    play(scene, model)
    return [one.body if isinstance(one, Answer) else one for one in outcomes]


def right(number: int) -> bytes:
    return b'{"predictions":[%d.0]}' % (number + 1)


def test_questions_that_come_together_share_a_call_of_a_quick_engine() -> None:
    sizes = list[int]()
    assert asked(quick(sizes), 1, 2, 3) == [right(1), right(2), right(3)]
    assert sizes == [3]


def test_an_error_among_them_is_its_callers_alone() -> None:
    sizes = list[int]()
    first, second, third, fourth = asked(quick(sizes), 1, 7, 8, 4)
    assert (first, third, fourth) == (right(1), None, right(4))
    assert isinstance(second, PredictionFailed)
    assert sizes == [4, 1, 1, 1, 1]


def test_they_share_no_call_larger_than_the_engine_is_quick_for() -> None:
    sizes = list[int]()
    assert asked(quick(sizes, rows=2), 1, 2, 3, 4, 5) == [right(number) for number in range(1, 6)]
    assert sizes == [2, 2, 1]


def test_they_share_none_where_the_model_says_that_rows_belong_together() -> None:
    sizes = list[int]()
    assert asked(quick(sizes, batches=False), 1, 2) == [right(1), right(2)]
    assert sizes == [1, 1]


def test_a_model_without_a_quick_engine_answers_nothing_at_once() -> None:
    assert asked(served(), 1, 2) == [None, None]
