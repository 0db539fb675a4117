"""Predictions that wait for a thread leave together, as one call of the model."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, TypeAlias, TypeVar

from modelpack.errors import PredictionFailed
from modelpack.schema import Signature
from modelpack.schema.enforce import is_open
from serving._rows import RowsLost, are_alike, has_rows, join, layout_of, split
from serving.errors import Leaving, Overloaded
from serving.metrics import Metrics
from serving.passage import Passage, clock

logger = logging.getLogger(__name__)

T = TypeVar("T")
Predict: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
Start: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]

_LONGEST_HOLD = 0.01
"""Seconds that those who wait are held back for company, at most."""

_TRIAL = 4
"""Callers in the first batches of a model, which are computed one by one as well, and compared."""


def may_batch(signature: Signature, metadata: Mapping[str, Any] | None) -> bool:
    """Whether rows of several callers may be put before a model in one call.

    Not when it says ``metadata.modelpack.batch: false``, when it does not say what its rows are, and when it
    takes tensors of one number of rows only.
    """
    own = (metadata or {}).get("modelpack")
    if isinstance(own, Mapping) and own.get("batch") is False:
        return False
    inputs = signature.inputs
    if inputs is None or is_open(inputs):
        return False
    return all(spec.shape[:1] == (-1,) for spec in inputs.tensors)


@dataclass(eq=False, slots=True)
class Lane:
    """One method of one loaded model, called *name* in the log.

    *batches* says whether its callers may share a call; it becomes False when that turns out to be wrong.
    *quick* is what the event loop may call itself for up to *quick_rows* rows, because it is done in less
    time than a thread takes to begin; it raises Uncertified for what only *predict* may answer.
    """

    predict: Predict
    name: str = "model"
    batches: bool = True
    quick: Predict | None = None
    quick_rows: int = 0
    is_proved: bool = False
    """Whether a batch has been found to give what its callers would have got alone."""

    def switch_off(self, reason: str) -> None:
        """Let every caller have a call of his own from now on."""
        if self.batches:
            self.batches = False
            logger.warning("batching switched off", extra={"model": self.name, "reason": reason})


class Batcher:
    """Runs at most *calls* calls at a time by *start*, which takes a plain function off the event loop.

    With nothing waiting a call starts at once. While all are running, callers wait; when one returns, the
    oldest caller leaves, and all whose method, params and layout are his go with him in one call of at most
    *max_rows* rows. With *max_wait* a batch that is not full is held back until its oldest caller has waited
    so many seconds. With *company* those who waited leave only when as many are there as were inside when the
    call returned, or when this share of the call's time is over: who was answered often comes back at once,
    and would find the next call gone with half of the callers.

    At most *limit* callers are inside; nobody is let in while all calls have lasted longer than *patience*,
    and all their callers have gone.

    Every caller gets the answers to his rows, or his own error: a batch that fails is run again in halves.
    Whoever is cancelled while he waits is not computed. *metrics* is told of every call of a model.
    """

    def __init__(
        self,
        start: Start,
        *,
        calls: int,
        limit: int,
        max_rows: int = 256,
        max_wait: float = 0.0,
        company: float = 0.0,
        patience: float | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.inside = 0
        """Callers that wait or are being worked for."""
        self._start = start
        self._calls = calls
        self._limit = limit
        self._max_rows = max_rows
        self._max_wait = max_wait
        self._company = company
        self._expected = 0
        """Callers to wait for, until this moment:"""
        self._hold_until = 0.0
        self._patience = patience
        self._metrics = metrics or Metrics()
        self._running: set[_Batch] = set()
        self._line: OrderedDict[_Call, None] = OrderedDict()
        self._groups: dict[Hashable, _Group] = {}
        self._again: deque[list[_Call]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._drained: list[asyncio.Future[None]] = []

    def require_room(self) -> None:
        """Raise Unavailable unless one more caller would be let in now."""
        if self._is_closed:
            raise Leaving("this server is shutting down; ask another one")
        if self.inside >= self._limit:
            raise Overloaded(f"{self.inside} predictions run or wait already; try again soon")
        if len(self._running) >= self._calls and all(map(self._is_stuck, self._running)):
            raise Overloaded(
                "every thread is held by a prediction over its time; try again later", retry_after=5
            )

    async def predict(
        self,
        lane: Lane,
        data: Any,
        params: Mapping[str, Any],
        *,
        rows: int,
        passage: Passage | None = None,
    ) -> Any:
        """What the model of *lane* answers to *data*, which has so many rows; *passage* is filled in.

        Raises what the model raises for this data, Overloaded and Leaving.
        """
        self.require_room()
        passage = passage or Passage()
        passage.entered = clock()
        call = _Call(partial(lane.predict, data, params), lane, data, params, rows, passage)
        return await self._enter(call)

    async def run(self, function: Callable[[], T], *, passage: Passage | None = None) -> T:
        """The result of *function*, in the same line as all others and in a call of its own."""
        self.require_room()
        passage = passage or Passage()
        passage.entered = clock()
        result: T = await self._enter(_Call(function, passage=passage))
        return result

    async def go_on(self, function: Callable[[], T]) -> T:
        """As ``run``, for one who has been inside and has more to do: he is not turned away."""
        result: T = await self._enter(_Call(function))
        return result

    async def drain(self) -> None:
        """Let nobody in any more, and return when all who are inside have gone."""
        self._is_closed = True
        self._advance()
        while self.inside:
            gone = asyncio.get_running_loop().create_future()
            self._drained.append(gone)
            await gone

    async def _enter(self, call: "_Call") -> Any:
        loop = asyncio.get_running_loop()
        call.future = loop.create_future()
        self.inside += 1
        try:
            now = loop.time()
            is_free = len(self._running) < self._calls and not self._line and not self._again
            if is_free and (now >= self._hold_until or call.lane is None):
                self._launch([call])
            else:
                call.since = now
                self._queue(call)
                self._advance()
            return await call.future
        finally:
            self._leave(call)

    def _leave(self, call: "_Call") -> None:
        self.inside -= 1
        self._take(call)
        if not self.inside:
            for gone in self._drained:
                if not gone.done():
                    gone.set_result(None)
            self._drained.clear()

    def _queue(self, call: "_Call") -> None:
        self._line[call] = None
        key = _key(call) if call.rows <= self._max_rows else None
        if key is not None:
            call.group = self._groups.setdefault(key, _Group(key))
            call.group.calls[call] = None
            call.group.rows += call.rows

    def _take(self, call: "_Call") -> None:
        """Out of the line, if he is still there."""
        if call not in self._line:
            return
        del self._line[call]
        if (group := call.group) is not None:
            del group.calls[call]
            group.rows -= call.rows
            if not group.calls:
                del self._groups[group.key]

    def _advance(self) -> None:
        while len(self._running) < self._calls and (calls := self._next()):
            self._launch(calls)

    def _is_stuck(self, batch: "_Batch") -> bool:
        late = (
            self._patience is not None and asyncio.get_running_loop().time() >= batch.since + self._patience
        )
        return late and all(call.future.done() for call in batch.calls)

    def _next(self) -> "list[_Call]":
        """Who leaves now; nobody when nobody waits, or when the oldest is held back for company."""
        while self._again:
            if calls := [call for call in self._again.popleft() if not call.future.done()]:
                return calls
        if not self._line:
            return []
        oldest = next(iter(self._line))
        lane, group = oldest.lane, oldest.group
        if lane is None or group is None or not lane.batches:
            self._take(oldest)
            return [oldest]
        if not self._is_ripe(oldest, group):
            return []
        return self._fill(group, _TRIAL if not lane.is_proved else len(group.calls))

    def _is_ripe(self, oldest: "_Call", group: "_Group") -> bool:
        if self._is_closed or group.rows >= self._max_rows:
            return True
        until = self._hold_until if len(self._line) < self._expected else 0.0
        if self._max_wait > 0:
            until = max(until, oldest.since + self._max_wait)
        if until <= 0:
            return True
        loop = asyncio.get_running_loop()
        left = until - loop.time()
        if left > 0 and self._timer is None:
            self._timer = loop.call_later(left, self._wake)
        return left <= 0

    def _wake(self) -> None:
        self._timer = None
        self._advance()

    def _fill(self, group: "_Group", most: int) -> "list[_Call]":
        calls: list[_Call] = []
        rows = 0
        for call in group.calls:
            rows += call.rows
            if len(calls) == most or (calls and rows > self._max_rows):
                break
            calls.append(call)
        for call in calls:
            self._take(call)
        return calls

    def _launch(self, calls: "list[_Call]") -> None:
        batch = _Batch(calls, asyncio.get_running_loop().time())
        self._note(batch)
        try:
            batch.task = asyncio.ensure_future(self._start(batch.work))
        except Exception as error:  # noqa: BLE001 - carried to whoever asked
            self._fail(batch, error)
            return
        self._running.add(batch)
        batch.task.add_done_callback(partial(self._finish, batch))

    def _note(self, batch: "_Batch") -> None:
        calls, metrics = batch.calls, self._metrics
        for call in calls:
            if (passage := call.passage) is None:
                continue
            passage.requests = len(calls)
            if not call.has_left:
                passage.seconds = batch.since - call.since if call.since else 0.0
                metrics.waited(passage.seconds)
                call.has_left = True
        if calls[0].lane is not None:
            metrics.called(len(calls), sum(call.rows for call in calls))

    def _finish(self, batch: "_Batch", task: "asyncio.Future[_Outcome]") -> None:
        self._running.discard(batch)
        if self._company and len(batch.calls) + len(self._line) > 1 and batch.calls[0].lane is not None:
            now = asyncio.get_running_loop().time()
            self._hold_until = now + min(self._company * (now - batch.since), _LONGEST_HOLD)
            self._expected = len(batch.calls) + len(self._line)
        if task.cancelled():
            for call in batch.calls:
                call.future.cancel()
        elif (error := task.exception()) is not None:
            self._fail(batch, error)
        else:
            self._settle(batch, task.result())
        self._advance()

    def _fail(self, batch: "_Batch", error: BaseException) -> None:
        """The call did not come about: no caller is to blame, and all are told."""
        for call in batch.calls:
            call.settle(None, error)

    def _settle(self, batch: "_Batch", outcome: "_Outcome") -> None:
        lane = batch.calls[0].lane
        if lane is not None and outcome.reason:
            lane.switch_off(outcome.reason)
        if outcome.answers:
            for call, (answer, error) in zip(batch.calls, outcome.answers, strict=True):
                call.settle(answer, error)
        elif outcome.reason:
            self._again.extendleft([call] for call in reversed(batch.calls))
        else:
            half = len(batch.calls) // 2
            self._again.extendleft((batch.calls[half:], batch.calls[:half]))


@dataclass(eq=False, slots=True)
class _Call:
    """One caller's rows, or one function. With a *passage* it is a prediction, and counted."""

    function: Callable[[], Any]
    lane: Lane | None = None
    data: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    passage: Passage | None = None
    future: "asyncio.Future[Any]" = field(init=False)
    since: float = 0.0
    has_left: bool = False
    """Whether he was in a call already; then this one is another attempt."""
    group: "_Group | None" = None

    def settle(self, answer: Any, error: BaseException | None) -> None:
        """Give the caller what became of his call, if he is still there."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(answer)
        else:
            self.future.set_exception(error)


@dataclass(eq=False, slots=True)
class _Group:
    """Those in the line who may share a call, the oldest first."""

    key: Hashable
    calls: OrderedDict[_Call, None] = field(default_factory=OrderedDict)
    rows: int = 0


_Answer: TypeAlias = tuple[Any, Exception | None]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An answer or error for each caller; none when the callers have to be separated.

    *reason* says why the model must not be given batches.
    """

    answers: Sequence[_Answer] = ()
    reason: str = ""


@dataclass(eq=False, slots=True)
class _Batch:
    """Callers whose rows are put before the model together."""

    calls: list[_Call]
    since: float
    task: "asyncio.Future[_Outcome] | None" = None

    def work(self) -> _Outcome:
        """In a thread: what becomes of each caller."""
        begun, is_prediction = clock(), self.calls[0].lane is not None
        for passage in self._passages():
            passage.left = passage.left or begun
            passage.predict = begun if is_prediction else 0.0
        outcome = self._work_together(self.calls[0].lane) if len(self.calls) > 1 else self._work_alone()
        if is_prediction:
            ended = clock()
            for passage in self._passages():
                passage.predicted = ended
        return outcome

    def _passages(self) -> Iterator[Passage]:
        return (call.passage for call in self.calls if call.passage is not None)

    def _work_alone(self) -> _Outcome:
        (call,) = self.calls
        context = None if call.passage is None else call.passage.context
        # What the model itself tells of, its log and its own spans, belongs to the request.
        answer = _attempt(call.function) if context is None else context.run(_attempt, call.function)
        odd = call.lane is not None and answer[1] is None and not has_rows(answer[0], call.rows)
        return _Outcome(
            [answer], f"its answer to {call.rows} rows does not have {call.rows} rows" if odd else ""
        )

    def _work_together(self, lane: Lane | None) -> _Outcome:
        assert lane is not None  # noqa: S101 - only those of one lane share a call
        calls = self.calls
        result, error = _attempt(lambda: lane.predict(join([call.data for call in calls]), calls[0].params))
        if error is not None:
            return _Outcome()
        try:
            parts = split(result, [call.rows for call in calls])
        except RowsLost as lost:
            return _Outcome(reason=str(lost))
        if lane.is_proved:
            return _Outcome([(part, None) for part in parts])
        alone = [_attempt(call.function) for call in calls]
        lane.is_proved = all(
            failed is None and are_alike(part, answer)
            for part, (answer, failed) in zip(parts, alone, strict=True)
        )
        return _Outcome(alone, "" if lane.is_proved else "its answer to a row depends on the rows beside it")


def _attempt(function: Callable[[], Any]) -> _Answer:
    try:
        return function(), None
    except StopIteration as error:
        return None, PredictionFailed(error)  # no future can hold it
    except Exception as error:  # noqa: BLE001 - carried to whoever asked
        return None, error
    except BaseException as error:  # noqa: BLE001 - sys.exit() in a model ends a request, not a server
        return None, PredictionFailed(error)


def _key(call: _Call) -> Hashable | None:
    """What callers have in common who may share a call; None for one who may not."""
    if call.lane is None or not call.lane.batches or call.rows == 0:
        return None
    layout = layout_of(call.data)
    try:
        return None if layout is None else (call.lane, layout, _frozen(call.params))
    except TypeError:
        return None


def _frozen(value: Any) -> Hashable:
    """*value* as something equal only to the same value of the same type; raises TypeError."""
    kind = type(value)
    if kind is float:
        # By its text: 0.0 equals -0.0, and NaN not even itself.
        return kind, repr(value)
    if value is None or kind in (bool, int, str) or isinstance(value, date):
        return kind, value
    if isinstance(value, Mapping):
        return Mapping, tuple((name, _frozen(one)) for name, one in value.items())
    if kind in (list, tuple):
        return kind, tuple(_frozen(one) for one in value)
    raise TypeError(f"params of the type {kind.__name__} cannot be compared")
