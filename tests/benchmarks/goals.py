"""The goals, and whether the figures reach them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.benchmarks.summary import Summary

TIMES = "\N{MULTIPLICATION SIGN}"

BEST_PEER = "the best peer"

Figure = Literal["rate", "p99", "start", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The *figure* of *server* at *work* is to be at least, or *at_most*, *bound* times that of *against*."""

    what: str
    work: str
    server: str
    against: str
    bound: float
    figure: Figure = "rate"
    at_most: bool = False

    @property
    def wanted(self) -> str:
        """Such as ``≥ 80 TIMES mlflow``, with the sign for it."""
        return f"{'≤' if self.at_most else '≥'} {self.bound:g} {TIMES} {self.against}"


GOALS = (
    Goal(
        what="1 row, concurrency 16, certified ONNX",
        work="churn-1x16",
        server="ours-onnx",
        against="mlflow",
        bound=80,
    ),
    Goal(
        what="1 row, concurrency 16, certified ONNX",
        work="churn-1x16",
        server="ours-onnx",
        against="empty",
        bound=0.75,
    ),
    Goal(
        what="1 row, concurrency 64, native engine with batching",
        work="churn-1x64",
        server="ours-native",
        against="mlflow",
        bound=15,
    ),
    Goal(
        what="1 row, concurrency 64, native engine, together against one by one",
        work="churn-1x64",
        server="ours-native",
        against="ours-single",
        bound=15,
    ),
    Goal(what="100 rows, concurrency 16", work="churn-100x16", server="ours", against="mlflow", bound=40),
    Goal(
        what="5,000 rows JSON, concurrency 4",
        work="churn-5000x4",
        server="ours",
        against=BEST_PEER,
        bound=1.3,
    ),
    Goal(
        what="5,000 rows Arrow, concurrency 4",
        work="churn-5000x4",
        server="ours-arrow",
        against=BEST_PEER,
        bound=1.6,
    ),
    Goal(
        what="p99 of 1 row, concurrency 64",
        work="churn-1x64",
        server="ours",
        against="empty",
        bound=1.5,
        figure="p99",
        at_most=True,
    ),
    Goal(
        what="start to first answer",
        work="churn-1x16",
        server="ours",
        against="mlflow",
        bound=0.1,
        figure="start",
        at_most=True,
    ),
    Goal(
        what="memory of two workers (PSS)",
        work="churn-1x16",
        server="ours",
        against="mlflow",
        bound=0.25,
        figure="memory",
        at_most=True,
    ),
    Goal(
        what="mixed strings and numbers, 1 row, concurrency 16, certified",
        work="telco-1x16",
        server="ours-onnx",
        against="mlflow",
        bound=40,
    ),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of *goal*: the *measured* ratio to *against*; NaN when either was not measured."""

    goal: Goal
    measured: float
    against: str

    @property
    def is_met(self) -> bool:
        """False also when it was not measured."""
        bound = self.goal.bound
        return self.measured <= bound if self.goal.at_most else self.measured >= bound

    @property
    def word(self) -> str:
        """``met``, ``missed by`` so many percent of what was wanted, or ``not measured``."""
        if math.isnan(self.measured):
            return "not measured"
        off = self.measured / self.goal.bound - 1
        return "met" if self.is_met else f"missed by {abs(off):.0%}"


def judge(summaries: Sequence[Summary], goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """A verdict on each of *goals*."""
    by_place = {(summary.work.name, summary.server.name): summary for summary in summaries}
    return [_verdict(goal, by_place) for goal in goals]


def _verdict(goal: Goal, by_place: Mapping[tuple[str, str], Summary]) -> Verdict:
    mine = by_place.get((goal.work, goal.server))
    theirs = (
        _best_peer(goal, by_place) if goal.against == BEST_PEER else by_place.get((goal.work, goal.against))
    )
    if mine is None or theirs is None:
        return Verdict(goal, math.nan, goal.against)
    own, other = getattr(mine, goal.figure), getattr(theirs, goal.figure)
    return Verdict(goal, own / other if other else math.nan, theirs.server.name)


def _best_peer(goal: Goal, by_place: Mapping[tuple[str, str], Summary]) -> Summary | None:
    peers = [
        summary
        for (work, _), summary in by_place.items()
        if work == goal.work and summary.server.kind == "peer" and summary.runs
    ]
    if not peers:
        return None
    choose = min if goal.at_most else max
    return choose(peers, key=lambda summary: float(getattr(summary, goal.figure)))
