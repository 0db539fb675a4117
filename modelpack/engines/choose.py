"""Which engine answers: the ONNX form where it is certified, and of two the faster for so many rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal, TypeAlias

import numpy as np

from modelpack.engines import Engine
from modelpack.errors import Uncertified
from modelpack.onnx.report import Report
from modelpack.onnx.rows import part
from modelpack.schema import Table

EngineName: TypeAlias = Literal["auto", "native", "onnx"]

ROW_COUNTS = (1, 16, 256, 4096)
"""Where the engines are measured; between two of these the slower-growing count decides."""


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
        """The engine for so many rows: the one that was faster at the nearest count that was measured."""
        both = sorted(set(self.onnx) & set(self.native))
        if not both:
            return "onnx"
        nearest = min(both, key=lambda count: abs(np.log(max(rows, 1) / count)))
        return "onnx" if self.onnx[nearest] <= self.native[nearest] else "native"


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

    A count that there was no time for is left out; the last that was measured then speaks for it.
    """
    found = Measured()
    end = clock() + seconds
    for count in counts:
        if clock() + _expected(found.onnx, count) + _expected(found.native, count) > end:
            break
        rows = part(sample, np.arange(count) % len(sample))
        for engine, times in ((onnx, found.onnx), (native, found.native)):
            if not times:
                # The first call pays for what is made once.
                engine.run(rows, method)
            start = clock()
            engine.run(rows, method)
            times[count] = clock() - start
    return found


def _expected(times: Mapping[int, float], count: int) -> float:
    """The seconds that *count* rows may take, as a line through the last two of *times* goes."""
    if len(times) < 2:
        return 2 * sum(times.values())
    (few, short), (many, long) = list(times.items())[-2:]
    return long + max(0.0, long - short) / (many - few) * (count - many)


class ChosenEngine:
    """Two engines as one: whichever is faster for the rows, and the native one for what was not compared."""

    def __init__(self, onnx: Engine, native: Engine, measured: Measured) -> None:
        self._onnx, self._native, self._measured = onnx, native, measured

    @property
    def name(self) -> str:
        """The engine that answers single rows."""
        return self._measured.faster(1)

    def choose(self, rows: int) -> Engine:
        """The engine for so many rows."""
        return self._onnx if self._measured.faster(rows) == "onnx" else self._native

    def run(self, data: Any, method: str) -> Any:
        """What the model's *method* answers for *data*."""
        engine = self.choose(len(data))
        if engine is self._native:
            return engine.run(data, method)
        try:
            return engine.run(data, method)
        except Uncertified:
            return self._native.run(data, method)
