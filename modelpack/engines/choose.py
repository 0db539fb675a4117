"""Which engine answers: the ONNX form where it is certified, and of two the faster for so many rows."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, TypeAlias

import numpy as np

from modelpack.engines import Engine
from modelpack.onnx.report import Report
from modelpack.onnx.rows import part
from modelpack.schema import Table

EngineName: TypeAlias = Literal["auto", "native", "onnx"]

ROW_COUNTS = (1, 16, 256, 4096)
"""Where the engines are measured; between two of these, and beyond the last, lines are drawn."""

TURNS = 3


def check(
    name: EngineName, report: Report | None, method: str, *, native_digest: str, onnx_digest: str
) -> str:
    """Why *name* cannot answer *method* by ONNX, or nothing when it can.

    The report must be about these two files, and certify the method.
    """
    if name == "native":
        return "the native engine was asked for"
    if report is None:
        return "the model has no parity report"
    if not onnx_digest:
        return "the model has no ONNX form"
    if not report.certifies(method, native_digest=native_digest, onnx_digest=onnx_digest):
        one = report.methods.get(method)
        if one is None:
            return f"the parity report says nothing of {method}"
        if not one.certified:
            return one.reason or f"{method} is not certified"
        return "the parity report is about other files; certify the model again"
    return ""


@dataclass(frozen=True)
class Measured:
    """Seconds for one call of each engine, by the number of rows; made by ``measure``."""

    onnx: dict[int, float] = field(default_factory=dict)
    native: dict[int, float] = field(default_factory=dict)

    def faster(self, rows: int) -> Literal["native", "onnx"]:
        """The engine that is expected to be the sooner for so many rows."""
        if not self.onnx or not self.native:
            return "onnx"
        return "onnx" if _expected(self.onnx, rows) <= _expected(self.native, rows) else "native"


def measure(
    onnx: Engine,
    native: Engine,
    method: str,
    sample: Table | np.ndarray,
    *,
    seconds: float = 0.1,
    clock: Callable[[], float] = perf_counter,
    counts: Sequence[int] = ROW_COUNTS,
) -> Measured:
    """Time both engines on rows of *sample*, repeated as need be, for no longer than about *seconds* in all.

    They take turns, up to TURNS times for each count, and the shortest time counts: a machine that does other
    things makes calls longer, never shorter. A count that there was no time for is left out; the line through
    the last two then speaks for it.
    """
    found = Measured()
    end = clock() + seconds
    for count in counts:
        rows = part(sample, np.arange(count) % len(sample))
        for turn in range(TURNS):
            if clock() + _expected(found.onnx, count) + _expected(found.native, count) > end:
                break
            for engine, times in ((onnx, found.onnx), (native, found.native)):
                if not times:
                    # The first call pays for what is made once.
                    engine.run(rows, method)
                start = clock()
                engine.run(rows, method)
                took = clock() - start
                times[count] = min(took, times[count]) if turn else took
    return found


def _expected(times: Mapping[int, float], count: int) -> float:
    """The seconds that *count* rows may take: on the line through the two of *times* around or before it."""
    known = sorted(times)
    if len(known) < 2:
        return 2 * sum(times.values())
    place = min(max(bisect_left(known, count), 1), len(known) - 1)
    few, many = known[place - 1], known[place]
    slope = max(0.0, times[many] - times[few]) / (many - few)
    return max(times[few] + slope * (count - few), 0.0)
