"""A plan, carried out: for each engine a server, for each load a driver, every answer compared."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelpack.errors import MissingDependency, Uncertified
from modelpack.loading import open_model
from serving.bench.child import Child, running, serve_command
from serving.bench.driver import Load, Tally, driving, result_of
from serving.bench.plan import Plan
from serving.bench.questions import bodies
from serving.codecs import CODECS
from serving.models import Served, Source, find, load
from serving.settings import EngineName, Settings

_MARGIN = 120.0
"""Seconds that a driver may take longer than its load: for its last answers, on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One load on one engine. *start* is in seconds, *memory* (after the load) in bytes."""

    engine: EngineName
    rows: int
    concurrency: int
    tally: Tally
    start: float
    memory: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """Bodies of one size, and the answer of the model itself to each."""

    bodies: list[bytes]
    answers: list[bytes]


@dataclass(frozen=True, slots=True)
class Subject:
    """The model at *source*, what is asked of it for each number of rows, and its *engines*.

    *why_not* says why the ONNX form is not among them.
    """

    source: Source
    questions: dict[int, Question]
    engines: tuple[EngineName, ...]
    why_not: str = ""


def prepare(plan: Plan) -> Subject:
    """Load the model as it was saved, and work out what is right.

    Raises what finding, loading and predicting do, and NothingToAsk.
    """
    source = find(plan.reference)
    settings = Settings(engine="native", method=plan.method, trust=plan.trust)
    served = load(source, settings, os.environ)
    example = open_model(source.place).serving_example()
    questions = {rows: _question(served, example, rows) for rows in plan.rows}
    if plan.engines:
        return Subject(source, questions, plan.engines)
    try:
        load(source, replace(settings, engine="onnx"), os.environ)
    except (Uncertified, MissingDependency) as error:
        return Subject(source, questions, ("native",), str(error))
    return Subject(source, questions, ("native", "onnx"))


def _question(served: Served, example: Any, rows: int) -> Question:
    codec = CODECS["json"](coerce="lossless", depth_limit=64)
    asked = bodies(example, served.signature, rows)
    payloads = [codec.decode(body, served.signature) for body in asked]
    return Question(asked, [codec.encode(served.predictor.run(one.data, one.params)) for one in payloads])


def measure(
    plan: Plan,
    subject: Subject,
    *,
    command: Callable[..., Sequence[str]] = serve_command,
    spent: Callable[[float], None] = lambda seconds: None,
) -> Iterator[Result]:
    """The results of *plan*, one after the other; only one server is alive at any time.

    *command* makes a server of the arguments of ``serve``; *spent* hears of the seconds of load that are
    over. Raises BenchmarkFailed for a server that does not start.
    """
    for engine in subject.engines:
        words = ["-m", str(subject.source.place), "-w", str(plan.workers), "--engine", engine]
        words += [word for name in plan.trust for word in ("--trust", name)]
        words += ["--method", plan.method] if plan.method else []
        with running(command(*words), first=subject.questions[plan.loads[0][0]].bodies[0]) as child:
            for rows, concurrency in plan.loads:
                tally = _drive(child, subject.questions[rows], concurrency, plan)
                spent(plan.warm + plan.seconds)
                yield Result(
                    engine=engine,
                    rows=rows,
                    concurrency=concurrency,
                    tally=tally,
                    start=child.start,
                    memory=child.memory,
                )


def _drive(child: Child, question: Question, concurrency: int, plan: Plan) -> Tally:
    load = Load(
        port=child.port,
        bodies=question.bodies,
        answers=question.answers,
        concurrency=concurrency,
        seconds=plan.seconds,
        warm=plan.warm,
    )
    with driving(load) as driver:
        return result_of(driver, seconds=plan.warm + plan.seconds + _MARGIN)
