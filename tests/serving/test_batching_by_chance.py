"""Callers who come and go by chance: each gets his own answer, whatever the others do."""

import asyncio
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving import batching
from serving._rows import join, split
from serving.batching import Batcher, Lane
from serving.errors import Overloaded
from serving.workers import Workers
from tests.serving.virtual import play


@dataclass(frozen=True)
class Caller:
    """Comes *at* a time with so many *rows*; *leaves* after a while; may bring a row that the model hates."""

    at: float
    rows: int
    method: int = 0
    param: int = 0
    wide: bool = False
    poisoned: bool = False
    leaves: float = math.inf

    @property
    def kind(self) -> tuple[int, int, int]:
        return self.method, self.param, 3 if self.wide else 2


@dataclass(frozen=True)
class House:
    """How the batcher is set, and how long each call of the model takes, in turn."""

    calls: int
    max_rows: int
    max_wait: float
    seconds: tuple[float, ...]


class Poison(Exception):
    """The model does not like some rows, and says which."""


@dataclass
class Call:
    """One call of the model: when it was begun, with which rows, of which kinds."""

    begun: float
    rows: list[int] = field(default_factory=list)
    kinds: set[tuple[int, int, int]] = field(default_factory=set)


class Story:
    """*callers* come and go in *house*, in virtual time."""

    def __init__(self, house: House, callers: Sequence[Caller]) -> None:
        self.house, self.callers = house, callers
        self.calls: list[Call] = []
        self.running = self.most = 0
        self.gone: dict[int, float] = {}
        self._seconds = iter(house.seconds * 1000)
        self.ends: list[Any] = play(self._scene())

    def rows_of(self, place: int) -> list[int]:
        return [place * 100 + row for row in range(self.callers[place].rows)]

    async def _scene(self) -> list[Any]:
        house = self.house
        batcher = Batcher(
            self._start, calls=house.calls, limit=1000, max_rows=house.max_rows, max_wait=house.max_wait
        )
        lanes = [Lane(self._model(method), is_proved=True) for method in range(2)]
        visits = [self._visit(batcher, lanes, place) for place in range(len(self.callers))]
        ends = await asyncio.gather(*visits, return_exceptions=True)
        await batcher.drain()
        assert batcher.inside == 0
        return ends

    async def _start(self, function: Callable[[], Any]) -> Any:
        call = Call(asyncio.get_running_loop().time())
        self.calls.append(call)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(next(self._seconds))
        self.running -= 1
        self._call = call
        return function()

    def _model(self, method: int) -> Callable[[Any, Mapping[str, Any]], Any]:
        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            self._call.rows += [int(row) for row in data[:, 0]]
            self._call.kinds.add((method, params["k"], data.shape[1]))
            if hated := [int(row[0]) for row in data if row[1] < 0]:
                raise Poison(hated)
            return data[:, 0] * 10 + method + params["k"] / 10

        return predict

    async def _visit(self, batcher: Batcher, lanes: list[Lane], place: int) -> Any:
        caller = self.callers[place]
        await asyncio.sleep(caller.at)
        data = np.ones((caller.rows, caller.kind[2]))
        data[:, 0] = self.rows_of(place)
        if caller.poisoned:
            data[-1:, 1] = -1
        try:
            async with asyncio.timeout(None if caller.leaves == math.inf else caller.leaves):
                answer = await batcher.predict(
                    lanes[caller.method], data, {"k": caller.param}, rows=caller.rows
                )
        except TimeoutError:
            self.gone[place] = asyncio.get_running_loop().time()
            return None
        return answer.tolist()


def complaints(story: Story) -> list[str]:
    """Everything that went wrong."""
    wrong = [] if story.most <= story.house.calls else [f"{story.most} calls at one time"]
    for place in range(len(story.callers)):
        wrong += complaints_of(place, story)
    for call in story.calls:
        owners = list(dict.fromkeys(row // 100 for row in call.rows))
        if len(call.kinds) > 1:
            wrong.append(f"{call.kinds} in one call")
        if len(call.rows) > story.house.max_rows and len(owners) > 1:
            wrong.append(f"{len(call.rows)} rows in one call")
        if any(story.gone.get(place, math.inf) < call.begun for place in owners):
            wrong.append(f"some of {owners} had gone when their call began")
    return wrong + complaints_about_order(story)


def complaints_of(place: int, story: Story) -> list[str]:
    caller, end, rows = story.callers[place], story.ends[place], story.rows_of(place)
    if place in story.gone:
        return []
    if caller.poisoned and rows:
        his_own = isinstance(end, Poison) and end.args == (rows[-1:],)
        return [] if his_own else [f"caller {place} got {end!r}"]
    wanted = [row * 10 + caller.method + caller.param / 10 for row in rows]
    wrong = [] if end == wanted else [f"caller {place} got {end!r}, not {wanted}"]
    times = Counter(row for call in story.calls for row in call.rows if row // 100 == place)
    peaceful = not any(one.poisoned for one in story.callers)
    if set(times) != set(rows) or (peaceful and any(count != 1 for count in times.values())):
        wrong.append(f"caller {place} was computed {times}")
    return wrong


def complaints_about_order(story: Story) -> list[str]:
    """Of one kind, who comes first is served first."""
    begun: dict[int, float] = {}
    for call in story.calls:
        for row in call.rows:
            begun.setdefault(row // 100, call.begun)
    wrong = []
    for kind in {caller.kind for caller in story.callers}:
        there = [place for place in begun if story.callers[place].kind == kind and story.callers[place].rows]
        there = [place for place in there if story.callers[place].rows <= story.house.max_rows]
        arrivals = [(story.callers[place].at, begun[place]) for place in there]
        if any(one[0] < other[0] and one[1] > other[1] for one in arrivals for other in arrivals):
            wrong.append(f"callers of {kind} overtook each other: {sorted(arrivals)}")
    return wrong


TIMES = st.sampled_from([0.0, 0.0, 0.1, 0.25, 0.5, 0.9, 1.0, 1.5, 2.0, 3.0])
CALLERS = st.lists(
    st.builds(
        Caller,
        at=TIMES,
        rows=st.integers(0, 6),
        method=st.sampled_from([0, 0, 0, 1]),
        param=st.sampled_from([0, 0, 0, 1]),
        wide=st.sampled_from([False, False, True]),
        poisoned=st.sampled_from([False] * 7 + [True]),
        leaves=st.sampled_from([math.inf] * 4 + [0.05, 0.3, 1.2]),
    ),
    min_size=1,
    max_size=25,
)
HOUSES = st.builds(
    House,
    calls=st.integers(1, 3),
    max_rows=st.sampled_from([1, 3, 8, 1000]),
    max_wait=st.sampled_from([0.0, 0.0, 0.2, 5.0]),
    seconds=st.lists(st.sampled_from([0.01, 0.3, 1.0, 2.5]), min_size=1, max_size=5).map(tuple),
)


@given(house=HOUSES, callers=CALLERS)
@settings(max_examples=300, deadline=None)
def test_everyone_gets_his_own_answer_however_they_come_and_go(house: House, callers: list[Caller]) -> None:
    assert complaints(Story(house, callers)) == []


CROWD = [Caller(at=place / 10, rows=1 + place % 3) for place in range(12)]
ONE_AT_A_TIME = House(calls=1, max_rows=1000, max_wait=0.0, seconds=(1.0,))


def swapped(result: Any, sizes: Sequence[int]) -> list[Any]:
    parts = split(result, sizes)
    return [*parts[1:], parts[0]]


def shifted(result: Any, sizes: Sequence[int]) -> list[Any]:
    return split(np.roll(result, 1), sizes)


def shortened(result: Any, sizes: Sequence[int]) -> list[Any]:
    return [part[:-1] for part in split(result, sizes)]


def repeated(result: Any, sizes: Sequence[int]) -> list[Any]:
    parts = split(result, sizes)
    return [parts[0] for _ in parts]


@pytest.mark.parametrize("broken", [swapped, shifted, shortened, repeated])
def test_control_a_batcher_that_mixes_up_answers_would_be_seen(
    broken: Callable[[Any, Sequence[int]], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert complaints(Story(ONE_AT_A_TIME, CROWD)) == []
    monkeypatch.setattr(batching, "split", broken)
    assert complaints(Story(ONE_AT_A_TIME, CROWD)) != []


def test_control_a_batcher_that_mixes_params_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    callers = [Caller(at=0, rows=1, param=place % 2) for place in range(6)]
    monkeypatch.setattr(batching, "_frozen", lambda value: None)
    assert complaints(Story(ONE_AT_A_TIME, callers)) != []


def test_control_a_batcher_that_lets_one_error_reach_all_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    callers = [*CROWD, Caller(at=0.5, rows=1, poisoned=True)]
    assert complaints(Story(ONE_AT_A_TIME, callers)) == []

    def spread(self: Any, lane: Any) -> Any:
        _, error = batching._attempt(lambda: lane.predict(join([c.data for c in self.calls]), {"k": 0}))
        return batching._Outcome([(None, error) for _ in self.calls])

    monkeypatch.setattr(batching._Batch, "_work_together", spread)
    assert complaints(Story(ONE_AT_A_TIME, callers)) != []


def test_control_a_batcher_that_computes_for_the_gone_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    callers = [*CROWD, Caller(at=0.2, rows=1, leaves=0.3)]
    assert complaints(Story(ONE_AT_A_TIME, callers)) == []
    real = Batcher._take
    monkeypatch.setattr(
        Batcher, "_take", lambda self, call: None if call.future.done() and call.rows else real(self, call)
    )
    assert complaints(Story(ONE_AT_A_TIME, callers)) != []


def test_control_a_batcher_that_serves_the_last_first_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(calls=1, max_rows=4, max_wait=0.0, seconds=(1.0,))
    assert complaints(Story(house, CROWD)) == []
    real = Batcher._fill

    def backwards(self: Any, group: Any, most: int) -> Any:
        for call in list(group.calls)[:-1]:
            group.calls.move_to_end(call, last=False)
        return real(self, group, most)

    monkeypatch.setattr(Batcher, "_fill", backwards)
    assert complaints(Story(house, CROWD)) != []


def test_in_real_time_with_real_threads_everyone_gets_his_own_answer() -> None:
    """Sixty-four callers who ask again and again, hang up, and bring rows that the model hates."""
    seed = 20260202
    print(f"seed {seed}")
    running: set[int] = set()
    most, sizes = [0], Counter[int]()
    lock = threading.Lock()

    def predict(data: np.ndarray, params: Mapping[str, Any]) -> Any:
        with lock:
            running.add(threading.get_ident())
            most[0] = max(most[0], len(running))
            sizes[len(data)] += 1
        time.sleep(0.001)
        with lock:
            running.discard(threading.get_ident())
        if (data < 0).any():
            raise Poison(data[data < 0].tolist())
        return data * 2 + params["k"]

    async def ask(batcher: Batcher, lane: Lane, number: int) -> Counter[str]:
        chance = random.Random(seed + number)
        tally: Counter[str] = Counter()
        for turn in range(30):
            rows = np.array([number * 1000 + turn + row / 8 for row in range(chance.randrange(1, 4))])
            if chance.random() < 0.03:
                rows[0] *= -1
            params = {"k": chance.choice([0, 0, 0, 1])}
            try:
                async with asyncio.timeout(0.0005 if chance.random() < 0.1 else 30):
                    answer = await batcher.predict(lane, rows, params, rows=len(rows))
            except TimeoutError:
                tally["gone"] += 1
            except Poison as error:
                tally["hated" if error.args[0] == rows[rows < 0].tolist() else "wrong"] += 1
            else:
                right = answer.tolist() == (rows * 2 + params["k"]).tolist() and not (rows < 0).any()
                tally["right" if right else "wrong"] += 1
        return tally

    async def scene() -> Counter[str]:
        workers = Workers(2)
        batcher = Batcher(workers.start, calls=2, limit=1000, max_rows=50)
        lane = Lane(predict)
        tallies = await asyncio.gather(*(ask(batcher, lane, number) for number in range(1, 65)))
        await batcher.drain()
        workers.close()
        assert lane.is_proved
        return sum(tallies, Counter())

    tally = asyncio.run(scene())
    print(dict(tally), "calls of", dict(sorted(sizes.items())), "rows")
    assert tally["wrong"] == 0
    assert sum(tally.values()) == 64 * 30
    assert min(tally["right"], tally["hated"], tally["gone"]) > 0
    assert most[0] <= 2
    assert max(sizes) <= 50
    assert sum(sizes.values()) < 64 * 30


def slow(data: Any, params: Mapping[str, Any]) -> Any:
    time.sleep(0.002)
    return data


def test_a_full_house_in_real_time_answers_or_turns_away_but_loses_nobody() -> None:
    async def scene() -> tuple[int, int]:
        workers = Workers(1)
        batcher = Batcher(workers.start, calls=1, limit=5)
        lane = Lane(slow)

        async def ask(number: int) -> bool:
            try:
                answer = await batcher.predict(lane, np.array([number]), {}, rows=1)
            except Overloaded:
                return False
            assert answer.tolist() == [number]
            return True

        ends = await asyncio.gather(*(ask(number) for number in range(40)))
        workers.close()
        return ends.count(True), ends.count(False)

    answered, turned_away = asyncio.run(scene())
    assert answered + turned_away == 40
    assert answered == 5
