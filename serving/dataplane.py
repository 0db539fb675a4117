"""What a server can do, said without a word of HTTP."""

import asyncio
from collections.abc import Coroutine, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import numpy as np

from modelpack.errors import Uncertified
from serving._rows import join, layout_of, split
from serving.batching import Batcher
from serving.codecs import Codec, Payload, is_quick
from serving.errors import DeadlinePassed, Leaving
from serving.metrics import Metrics
from serving.models import Models, Served
from serving.passage import Passage, Timed, clock

INLINE_BYTES = 16 << 10
"""A body up to here is read on the event loop: even the exact way through it takes few milliseconds."""

_FEW_NUMBERS = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes to send back, and how many rows were asked for.

    *batch* requests, with this one, were put before the model in the same call; *engine* answers it.
    """

    body: bytes
    rows: int
    engine: str
    batch: int = 1


class Question(NamedTuple):
    """A request that has been read and held to the signature of the model that it is for.

    *passage* is filled in on its way, if somebody follows it.
    """

    served: Served
    codec: Codec
    payload: Payload
    passage: Passage | None = None


class Stage(Enum):
    """How far a server is on its way out."""

    SERVING = "serving"
    LEAVING = "leaving"
    """No longer ready, but whoever still asks is answered."""
    CLOSED = "closed"
    """What runs is finished; nothing new is taken."""


class DataPlane:
    """One process's models, the line before them, and what is counted."""

    def __init__(
        self,
        models: Models,
        batcher: Batcher,
        *,
        timeout: float | None,
        metrics: Metrics | None = None,
    ) -> None:
        self.models = models
        self.batcher = batcher
        self.metrics = metrics or Metrics()
        self.stage = Stage.SERVING
        self._timeout = timeout

    @property
    def ready(self) -> bool:
        """Whether new callers should come here."""
        return self.models.loaded and self.stage is Stage.SERVING

    @property
    def metadata(self) -> Served:
        """The model that answers; raises NoModel."""
        return self.models.current

    def require_room(self) -> None:
        """Raise Unavailable unless one more prediction would be taken now."""
        if self.stage is Stage.CLOSED:
            raise Leaving("this server is shutting down; ask another one")
        self.batcher.require_room()

    async def predict(self, body: bytes, codec: Codec, passage: Passage | None = None) -> Answer:
        """Decode *body*, ask the model, encode what it says; *passage* is filled in.

        Raises InvalidRequest, SchemaMismatch, PredictionFailed, UnencodableResult, DeadlinePassed and
        Unavailable.
        """
        if len(body) > INLINE_BYTES or not is_quick(codec):
            self.require_room()
            served = self.models.current
            answering = self.batcher.run(lambda: answer(served, codec, body, passage), passage=passage)
            found = await self._in_time(answering)
            self.metrics.called(1, found.rows)
            return found
        question = self.read(body, codec, passage)
        (outcome,) = self.answer_at_once([question])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or await self.answer(question)

    def read(self, body: bytes, codec: Codec, passage: Passage | None = None) -> Question:
        """What *body*, of INLINE_BYTES at most, asks of the model that answers now. Raises as ``predict``."""
        self.require_room()
        served = self.models.current
        if passage is not None:
            codec = Timed(codec, passage)
        return Question(served, codec, codec.decode(body, served.signature), passage)

    def answer_at_once(self, questions: Sequence[Question]) -> list[Answer | Exception | None]:
        """What becomes of each, where that takes less time than going to a thread and back; None otherwise.

        Those whose rows may stand in one call share it.
        """
        outcomes: list[Answer | Exception | None] = [None] * len(questions)
        for places in _shared(questions) if len(questions) > 1 else [[0]]:
            _settle([questions[place] for place in places], places, outcomes, self.metrics)
        return outcomes

    async def answer(self, question: Question) -> Answer:
        """The answer, together with those of others who wait for a thread."""
        return await self._in_time(self._answer(question))

    async def _answer(self, question: Question) -> Answer:
        codec, payload, passage = question.codec, question.payload, question.passage or Passage()
        engine = question.served.engine
        result = await self.batcher.predict(
            question.served.lane, payload.data, payload.params, rows=payload.rows, passage=passage
        )
        if _is_small(result):
            return Answer(codec.encode(result), payload.rows, engine, passage.requests)
        body = await self.batcher.go_on(lambda: codec.encode(result))
        return Answer(body, payload.rows, engine, passage.requests)

    async def _in_time(self, answering: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await answering
        except TimeoutError:
            raise DeadlinePassed(f"the model took longer than {self._timeout:g} s") from None

    def leave(self) -> None:
        """Stop being ready."""
        if self.stage is Stage.SERVING:
            self.stage = Stage.LEAVING

    def close(self) -> None:
        """Take nothing new."""
        self.stage = Stage.CLOSED


def _shared(questions: Sequence[Question]) -> list[list[int]]:
    """The places of *questions*, those together that may share a call of a quick engine."""
    groups: list[list[int]] = []
    open_groups: dict[Hashable, tuple[list[int], int]] = {}
    for place, question in enumerate(questions):
        lane, payload = question.served.lane, question.payload
        key = (id(lane), layout_of(payload.data)) if lane.batches and not payload.params else None
        group, rows = open_groups.get(key, ([], 0)) if key is not None and key[1] is not None else ([], 0)
        if not group or rows + payload.rows > lane.quick_rows:
            group, rows = [], 0
            groups.append(group)
        group.append(place)
        if key is not None:
            open_groups[key] = group, rows + payload.rows
    return groups


def _settle(
    questions: Sequence[Question],
    places: Sequence[int],
    outcomes: list[Answer | Exception | None],
    metrics: Metrics,
) -> None:
    """Ask a quick engine *questions* in one call, and enter the *outcomes* at their *places*."""
    lane = questions[0].served.lane
    sizes = [question.payload.rows for question in questions]
    if lane.quick is None or not 0 < sum(sizes) <= lane.quick_rows:
        return
    # All are followed, or none.
    is_followed = questions[0].passage is not None
    begun = clock() if is_followed else 0.0
    try:
        if len(questions) == 1:
            results = [lane.quick(questions[0].payload.data, questions[0].payload.params)]
        else:
            data = join([question.payload.data for question in questions])
            results = split(lane.quick(data, questions[0].payload.params), sizes)
        if is_followed:
            _note_call(questions, begun)
        for place, question, result in zip(places, questions, results, strict=True):
            rows, engine = question.payload.rows, question.served.engine
            outcomes[place] = Answer(question.codec.encode(result), rows, engine, len(questions))
        metrics.called(len(questions), sum(sizes))
    except Exception as error:  # noqa: BLE001 - carried to whoever asked
        if len(questions) > 1:
            # It is the error of one of them.
            for place, question in zip(places, questions, strict=True):
                _settle([question], [place], outcomes, metrics)
        elif not isinstance(error, Uncertified):
            _note_call(questions, begun)
            outcomes[places[0]] = error


def _note_call(questions: Sequence[Question], begun: float) -> None:
    ended = clock()
    for question in questions:
        if (passage := question.passage) is not None and not passage.predicted:
            passage.predict, passage.predicted, passage.requests = begun, ended, len(questions)


def _is_small(result: Any) -> bool:
    """Whether *result* is written sooner than a thread would begin with it."""
    return type(result) is np.ndarray and result.size <= _FEW_NUMBERS and result.dtype.kind in "biuf"


def answer(served: Served, codec: Codec, body: bytes, passage: Passage | None = None) -> Answer:
    """What *served* answers to *body*, in one thread, as long as it takes; *passage* is filled in."""
    passage = passage or Passage()
    codec = Timed(codec, passage)
    payload = codec.decode(body, served.signature)
    passage.predict = clock()
    try:
        result = served.predictor.run(payload.data, payload.params)
    finally:
        passage.predicted = clock()
    return Answer(codec.encode(result), payload.rows, served.engine)
