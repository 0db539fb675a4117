"""Callers who wait share a call, and none can tell."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pytest

from modelpack.errors import PredictionFailed
from modelpack.schema import AnyType, ColumnSpec, DataType, Schema, Signature, TensorSpec
from serving.batching import Batcher, Lane, may_batch
from serving.errors import Leaving, Overloaded
from tests.serving.virtual import play


@dataclass
class World:
    """A model that takes one second for each call, and what it was given."""

    calls: int = 1
    limit: int = 64
    max_rows: int = 64
    max_wait: float = 0.0
    company: float = 0.0
    patience: float | None = None
    seconds: float = 1.0
    answer: Callable[[Any, Mapping[str, Any]], Any] = lambda data, params: data * 10
    proved: bool = True
    batches: list[list[float]] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    running: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.batcher = Batcher(
            self.start,
            calls=self.calls,
            limit=self.limit,
            max_rows=self.max_rows,
            max_wait=self.max_wait,
            company=self.company,
            patience=self.patience,
        )
        self.lane = Lane(self.predict, name="m", is_proved=self.proved)

    async def start(self, function: Callable[[], Any]) -> Any:
        self.begun.append(asyncio.get_running_loop().time())
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(self.seconds)
        self.running -= 1
        return function()

    def predict(self, data: Any, params: Mapping[str, Any]) -> Any:
        self.batches.append(np.ravel(data).tolist())
        return self.answer(data, params)

    async def ask(self, *numbers: float, at: float = 0.0, lane: Lane | None = None, **params: Any) -> Any:
        """One caller with a row for each number, who comes at some time."""
        loop = asyncio.get_running_loop()
        if at > loop.time():
            await asyncio.sleep(at - loop.time())
        data = np.array(numbers, dtype=float)
        result = await self.batcher.predict(lane or self.lane, data, params, rows=len(numbers))
        return result.tolist() if isinstance(result, np.ndarray) else result


async def together(*askings: Awaitable[Any], return_exceptions: bool = False) -> list[Any]:
    return list(await asyncio.gather(*askings, return_exceptions=return_exceptions))


def test_with_nothing_waiting_a_call_starts_at_once_and_alone() -> None:
    world = World(max_wait=5)

    async def scene() -> None:
        for number in range(3):
            assert await world.ask(number) == [number * 10]

    play(scene())
    assert world.batches == [[0], [1], [2]]
    assert world.begun == [0.0, 1.0, 2.0]


def test_callers_who_wait_leave_together_when_the_call_returns() -> None:
    world = World()

    async def scene() -> list[Any]:
        return await together(
            world.ask(1), world.ask(2, 3, at=0.2), world.ask(4, at=0.9), world.ask(5, at=1.5)
        )

    assert play(scene()) == [[10], [20, 30], [40], [50]]
    assert world.batches == [[1], [2, 3, 4], [5]]
    assert world.begun == [0.0, 1.0, 2.0]


def test_a_batch_has_no_more_rows_than_allowed() -> None:
    world = World(max_rows=3)

    async def scene() -> list[Any]:
        numbers = [(1,), (2,), (3, 4), (5,), (6, 7, 8, 9), (10,)]
        return await together(*(world.ask(*rows) for rows in numbers))

    assert play(scene()) == [[10], [20], [30, 40], [50], [60, 70, 80, 90], [100]]
    assert world.batches == [[1], [2, 3, 4], [5, 10], [6, 7, 8, 9]]


def test_a_batch_leaves_when_its_first_caller_has_waited_long_enough() -> None:
    world = World(max_wait=3.0, seconds=1.0)

    async def scene() -> None:
        await asyncio.gather(world.ask(1), world.ask(2, at=0.5), world.ask(3, at=2.0), world.ask(4, at=3.4))

    play(scene())
    assert world.batches == [[1], [2, 3, 4]]
    assert world.begun == [0.0, 3.5]


def test_a_full_batch_is_not_held_back() -> None:
    world = World(max_wait=30.0, max_rows=3)

    async def scene() -> None:
        await asyncio.gather(world.ask(1), world.ask(2, at=0.5), world.ask(3, at=2.0), world.ask(4, at=3.0))

    play(scene())
    assert world.begun == [0.0, 3.0]


def test_several_calls_run_side_by_side_but_no_more_than_allowed() -> None:
    world = World(calls=2)

    async def scene() -> list[Any]:
        return await together(*(world.ask(number) for number in range(6)))

    assert play(scene()) == [[number * 10] for number in range(6)]
    assert world.most == 2
    assert world.batches == [[0], [1], [2, 3, 4, 5]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"k": 1}, {"k": 2}),
        ({"k": 1}, {"k": True}),
        ({"k": 1}, {"k": 1.0}),
        ({"k": 0.0}, {"k": -0.0}),
        ({"k": None}, {}),
        ({"k": [1]}, {"k": [1, 1]}),
        ({"k": {"a": 1}}, {"k": {"a": "1"}}),
        ({"k": date(2024, 1, 1)}, {"k": date(2024, 1, 2)}),
    ],
)
def test_callers_with_other_params_never_share_a_call(one: dict[str, Any], other: dict[str, Any]) -> None:
    world = World()

    async def scene() -> None:
        await asyncio.gather(world.ask(0), world.ask(1, **one), world.ask(2, **other), world.ask(3, **one))

    play(scene())
    assert world.batches == [[0], [1, 3], [2]]


def test_callers_with_the_same_params_share_a_call() -> None:
    world = World()
    params: dict[str, Any] = {"k": [1, 0.5, float("nan"), None], "o": {"a": "x"}, "t": date(2024, 1, 1)}

    async def scene() -> None:
        await asyncio.gather(world.ask(0), world.ask(1, **params), world.ask(2, **params))

    play(scene())
    assert world.batches == [[0], [1, 2]]


def test_params_that_cannot_be_compared_go_alone() -> None:
    world = World()

    async def scene() -> None:
        await asyncio.gather(world.ask(0), world.ask(1, k=np.ones(2)), world.ask(2, k=np.ones(2)))

    play(scene())
    assert world.batches == [[0], [1], [2]]


def test_two_methods_never_share_a_call() -> None:
    world = World()
    other = Lane(lambda data, params: data + 0.5, is_proved=True)

    async def scene() -> list[Any]:
        return await together(
            world.ask(0), world.ask(1), world.ask(2, lane=other), world.ask(3), world.ask(4, lane=other)
        )

    assert play(scene()) == [[0], [10], [2.5], [30], [4.5]]
    assert world.batches == [[0], [1, 3]]


def test_a_caller_without_rows_goes_alone() -> None:
    world = World()

    async def scene() -> list[Any]:
        return await together(world.ask(0), world.ask(1), world.ask(), world.ask(2))

    assert play(scene()) == [[0], [10], [], [20]]
    assert world.batches == [[0], [1, 2], []]


class Poison(Exception):
    """What the model says of a negative number."""


def picky(data: Any, params: Mapping[str, Any]) -> Any:
    if (data < 0).any():
        raise Poison(str(data[data < 0].tolist()))
    return data * 10


def test_one_callers_error_is_his_alone() -> None:
    world = World(answer=picky)

    async def scene() -> list[Any]:
        numbers = [0, 1, 2, -3, 4, 5, 6, -7, 8]
        return await together(*(world.ask(number) for number in numbers), return_exceptions=True)

    answers = play(scene())
    assert [str(one) for one in answers if isinstance(one, Poison)] == ["[-3.0]", "[-7.0]"]
    assert answers[:3] + answers[4:7] + answers[8:] == [[0], [10], [20], [40], [50], [60], [80]]


def test_a_failing_row_costs_few_calls_more() -> None:
    world = World(answer=picky)

    async def scene() -> None:
        numbers = [0, *range(1, 33), -1, *range(33, 64)]
        await asyncio.gather(*(world.ask(number) for number in numbers), return_exceptions=True)

    play(scene())
    assert len(world.batches) <= 2 + 2 * 6


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), StopIteration()])
def test_what_would_end_a_process_ends_a_request(raised: BaseException) -> None:
    def leave(data: Any, params: Mapping[str, Any]) -> Any:
        if 2 in data:
            raise raised
        return data

    world = World(answer=leave)

    async def scene() -> list[Any]:
        return await together(world.ask(1), world.ask(2), world.ask(3), return_exceptions=True)

    answers = play(scene())
    assert isinstance(answers[1], PredictionFailed)
    assert (answers[0], answers[2]) == ([1], [3])


def test_a_caller_who_hung_up_is_not_computed() -> None:
    world = World()

    async def scene() -> None:
        callers = [asyncio.ensure_future(world.ask(number)) for number in range(4)]
        await asyncio.sleep(0.5)
        callers[2].cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        assert callers[2].cancelled()
        assert [callers[place].result() for place in (0, 1, 3)] == [[0], [10], [30]]

    play(scene())
    assert world.batches == [[0], [1, 3]]
    assert world.batcher.inside == 0


def test_a_caller_who_hangs_up_during_his_call_disturbs_nobody() -> None:
    world = World()

    async def scene() -> None:
        callers = [asyncio.ensure_future(world.ask(number)) for number in range(4)]
        await asyncio.sleep(1.5)
        callers[2].cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        assert [callers[place].result() for place in (0, 1, 3)] == [[0], [10], [30]]

    play(scene())
    assert world.batches == [[0], [1, 2, 3]]


def test_a_caller_who_hung_up_is_not_run_again_when_his_batch_fails() -> None:
    world = World(answer=picky)

    async def scene() -> None:
        callers = [asyncio.ensure_future(world.ask(number)) for number in (0, 1, -2, 3, 4)]
        await asyncio.sleep(1.5)
        callers[4].cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    play(scene())
    assert world.batches == [[0], [1, -2, 3, 4], [1, -2], [1], [-2], [3]]


def test_all_waiting_callers_may_hang_up() -> None:
    world = World(max_wait=10)

    async def scene() -> None:
        callers = [asyncio.ensure_future(world.ask(number)) for number in range(4)]
        await asyncio.sleep(0.5)
        for caller in callers:
            caller.cancel()
        await asyncio.sleep(0)
        assert world.batcher.inside == 0
        await asyncio.sleep(5)
        assert await world.ask(9) == [90]

    play(scene())
    assert world.batches == [[0], [9]]


def test_a_full_house_turns_the_next_caller_away() -> None:
    world = World(limit=3)

    async def scene() -> None:
        callers = [asyncio.ensure_future(world.ask(number)) for number in range(3)]
        await asyncio.sleep(0.5)
        with pytest.raises(Overloaded) as caught:
            world.batcher.require_room()
        assert caught.value.retry_after == 1
        with pytest.raises(Overloaded):
            await world.ask(9)
        callers[1].cancel()
        await asyncio.sleep(0)
        world.batcher.require_room()
        assert await world.ask(4) == [40]
        await asyncio.gather(*callers, return_exceptions=True)

    play(scene())


def test_nobody_is_let_in_while_all_calls_are_late_and_deserted() -> None:
    world = World(calls=2, seconds=100.0, patience=10.0)

    async def scene() -> None:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(10):
                    await world.ask(1)
        with pytest.raises(Overloaded) as caught:
            world.batcher.require_room()
        assert caught.value.retry_after == 5

    play(scene())


def test_a_caller_who_hung_up_early_keeps_nobody_out() -> None:
    world = World(seconds=5.0, patience=10.0)

    async def scene() -> list[float]:
        first = asyncio.ensure_future(world.ask(1))
        await asyncio.sleep(1)
        first.cancel()
        await asyncio.sleep(1)
        answer: list[float] = await world.ask(2)
        return answer

    assert play(scene()) == [20]
    assert world.begun == [0.0, 5.0]


def test_draining_answers_all_who_are_inside_and_lets_nobody_in() -> None:
    world = World(max_wait=50.0)

    async def scene() -> None:
        callers = [asyncio.ensure_future(world.ask(number)) for number in range(3)]
        await asyncio.sleep(1.5)
        leaving = [asyncio.ensure_future(world.batcher.drain()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Leaving):
            await world.ask(9)
        await asyncio.gather(*leaving)
        assert [caller.result() for caller in callers] == [[0], [10], [20]]
        assert asyncio.get_running_loop().time() == pytest.approx(2.5)
        await world.batcher.drain()

    play(scene())


def test_a_model_that_does_not_answer_row_by_row_gets_no_batches(caplog: pytest.LogCaptureFixture) -> None:
    world = World(answer=lambda data, params: [float(data.sum())])

    async def scene() -> list[Any]:
        return await together(*(world.ask(number) for number in range(5)))

    with caplog.at_level(logging.WARNING):
        assert play(scene()) == [[0], [1], [2], [3], [4]]
    assert world.batches == [[0], [1, 2, 3, 4], [1], [2], [3], [4]]
    assert not world.lane.batches
    [event] = caplog.records
    assert event.message == "batching switched off"
    assert vars(event)["model"] == "m"
    assert vars(event)["reason"] == "its answer to 4 rows does not have 4 rows"


def test_an_odd_answer_to_one_caller_is_enough_to_switch_off(caplog: pytest.LogCaptureFixture) -> None:
    world = World(answer=lambda data, params: {"mean": 1.0, "deviation": 0.0})

    async def scene() -> None:
        await asyncio.gather(*(world.ask(number) for number in range(3)))

    with caplog.at_level(logging.WARNING):
        play(scene())
    assert world.batches == [[0], [1], [2]]
    assert len(caplog.records) == 1


def test_a_model_whose_rows_depend_on_their_neighbours_gets_no_batches(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(answer=lambda data, params: data - data.mean(), proved=False)

    async def scene() -> list[Any]:
        return await together(*(world.ask(number, number + 2) for number in range(12)))

    with caplog.at_level(logging.WARNING):
        assert play(scene()) == [[-1, 1]] * 12
    assert not world.lane.batches
    assert "depends on the rows beside it" in vars(caplog.records[0])["reason"]


def test_the_first_batch_is_small_and_computed_in_both_ways() -> None:
    world = World(proved=False)

    async def scene() -> list[Any]:
        return await together(*(world.ask(number) for number in range(9)))

    assert play(scene()) == [[number * 10] for number in range(9)]
    assert world.batches == [[0], [1, 2, 3, 4], [1], [2], [3], [4], [5, 6, 7, 8]]
    assert world.lane.is_proved


def test_a_model_that_says_so_gets_no_batches() -> None:
    world = World()
    world.lane.batches = False

    async def scene() -> None:
        await asyncio.gather(*(world.ask(number) for number in range(4)))

    play(scene())
    assert world.batches == [[0], [1], [2], [3]]


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        (None, True),
        ({}, True),
        ({"modelpack": {"batch": False}}, False),
        ({"modelpack": {"batch": True}}, True),
        ({"modelpack": {"version": "1"}}, True),
        ({"modelpack": "x", "batch": False}, True),
    ],
)
def test_a_model_may_say_that_it_wants_no_batches(metadata: dict[str, Any] | None, wanted: bool) -> None:
    signature = Signature(inputs=Schema((ColumnSpec(DataType.double, "a"),)))
    assert may_batch(signature, metadata) is wanted


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        (None, False),
        (Schema((ColumnSpec(AnyType()),)), False),
        (Schema((TensorSpec(np.dtype("float64"), (-1, 4)),)), True),
        (Schema((TensorSpec(np.dtype("float64"), (8, 4)),)), False),
        (Schema((TensorSpec(np.dtype("float64"), ()),)), False),
        (
            Schema((TensorSpec(np.dtype("int32"), (-1,), "a"), TensorSpec(np.dtype("int32"), (1,), "b"))),
            False,
        ),
    ],
)
def test_only_models_with_free_rows_get_batches(inputs: Schema | None, wanted: bool) -> None:
    assert may_batch(Signature(inputs=inputs), None) is wanted


def test_who_was_just_answered_may_come_along_with_those_who_waited() -> None:
    world = World(company=0.1, seconds=0.01)

    async def ask_again(number: float, at: float) -> None:
        await world.ask(number, at=at)
        await asyncio.sleep(0.0005)
        await world.ask(number + 10)

    async def scene() -> None:
        await asyncio.gather(ask_again(1, 0.0), world.ask(2, at=0.001), world.ask(3, at=0.002))

    play(scene())
    assert world.batches == [[1], [2, 3, 11]]
    assert world.begun == pytest.approx([0.0, 0.0105])


def test_company_that_does_not_come_is_waited_for_no_longer_than_a_share_of_the_call() -> None:
    world = World(company=0.1, seconds=0.01)

    async def scene() -> None:
        await asyncio.gather(world.ask(1), world.ask(2, at=0.001), world.ask(3, at=0.002))
        await world.ask(4)

    play(scene())
    assert world.batches == [[1], [2, 3], [4]]
    # Whoever comes right after a shared call may not be the only one.
    assert world.begun == pytest.approx([0.0, 0.011, 0.022])


def test_who_comes_alone_after_a_call_of_one_is_not_held_back() -> None:
    world = World(company=0.1, seconds=0.01)

    async def scene() -> None:
        await world.ask(1)
        await world.ask(2)

    play(scene())
    assert world.begun == pytest.approx([0.0, 0.01])


def test_company_is_never_waited_for_longer_than_a_moment() -> None:
    world = World(company=0.1, seconds=10.0)

    async def scene() -> None:
        await asyncio.gather(world.ask(1), world.ask(2, at=0.001))

    play(scene())
    assert world.begun == pytest.approx([0.0, 10.01])


def test_a_plain_function_stands_in_the_same_line() -> None:
    world = World()

    async def scene() -> list[Any]:
        return await together(
            world.ask(1),
            world.batcher.run(lambda: "read"),
            world.ask(2),
            world.batcher.run(lambda: "written"),
        )

    assert play(scene()) == [[10], "read", [20], "written"]
    assert world.begun == [0.0, 1.0, 2.0, 3.0]


def test_when_a_call_cannot_begin_its_callers_are_told_and_the_next_is_served() -> None:
    world = World()
    real, turns = world.batcher._start, iter([True, False, True])

    async def refuse() -> Any:
        raise OSError("no more threads")

    def start(function: Callable[[], Any]) -> Any:
        return real(function) if next(turns) else refuse()

    world.batcher._start = start

    async def scene() -> list[Any]:
        answers = await asyncio.gather(world.ask(1), world.ask(2), world.ask(3), return_exceptions=True)
        return [*answers, await world.ask(4)]

    answers = play(scene())
    assert answers[0] == [10]
    assert isinstance(answers[1], OSError)
    assert isinstance(answers[2], OSError)
    assert answers[3] == [40]


def test_one_who_was_inside_may_go_on_although_the_house_is_full_or_closing() -> None:
    world = World(limit=1)

    async def scene() -> str:
        await world.ask(1)
        leaving = asyncio.ensure_future(world.batcher.drain())
        await asyncio.sleep(0)
        with pytest.raises(Leaving):
            await world.batcher.run(lambda: "late")
        word = await world.batcher.go_on(lambda: "written")
        await leaving
        return word

    assert play(scene()) == "written"


def test_draining_waits_for_those_who_come_back_with_more_to_do() -> None:
    world = World()

    async def visit() -> str:
        await world.ask(1)
        return await world.batcher.go_on(lambda: "written")

    async def scene() -> tuple[str, float]:
        visitor = asyncio.ensure_future(visit())
        await asyncio.sleep(0.5)
        await world.batcher.drain()
        return visitor.result(), asyncio.get_running_loop().time()

    assert play(scene()) == ("written", 2.0)
