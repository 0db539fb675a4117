"""Measurements that nobody made, for what is made of them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelpack.examining import Facts, examine
from modelpack.loading import open_model
from serving.bench.driver import Tally
from serving.bench.measure import Result, Subject
from serving.bench.page import render
from serving.bench.plan import CURVE, Plan
from serving.models import Source
from serving.settings import EngineName

MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENGINES: tuple[EngineName, ...] = ("native", "onnx")


def result(engine: EngineName = "native", rows: int = 1, concurrency: int = 1, **more: Any) -> Result:
    """One load of two seconds, which goes well unless *more* says otherwise."""
    fast = 10 if engine == "onnx" else 1
    took = 0.002 * concurrency * rows**0.5 / fast
    given = {"right": 1_100 * fast, "timed": 1_000 * fast * concurrency // rows, "seconds": 2.0, "busy": 0.5}
    given |= {"p50": took, "p95": took * 2, "p99": took * 5}
    tally = Tally(**{**given, **more})
    return Result(engine=engine, rows=rows, concurrency=concurrency, tally=tally, start=1.5, memory=50 << 20)


def curve() -> list[Result]:
    """Two engines under fourteen loads each."""
    return [result(engine, rows, many) for engine in ENGINES for rows in (1, 100) for many in CURVE]


def page(model: Path, results: list[Result], **more: Any) -> str:
    """The page about *results* of *model*."""
    directory = open_model(model)
    source = Source(
        **{"reference": str(model), "place": model, "name": "churn", "version": "3"}
        | {"digest": directory.digest}
        | more.pop("source", {})
    )
    known: Facts = more.pop("known", None) or examine(directory)
    plan = Plan(**{"reference": source.reference, "concurrency": CURVE, **more})
    return render(plan, Subject(source, {}, ENGINES), results, known, made=MADE)
