"""Two answers held against each other, row by row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.onnx.report import FLOOR, MethodReport
from modelpack.onnx.rows import part
from modelpack.schema import Table

Ask = Callable[[Table | np.ndarray], np.ndarray]

_MOST_HALVINGS = 400


@dataclass(frozen=True)
class Answers:
    """What the native model says to some rows: *values* for the rows *answered*; the others it *refused*."""

    answered: np.ndarray
    refused: np.ndarray
    values: np.ndarray | None


def ask_each(ask: Ask, data: Table | np.ndarray, places: np.ndarray, known: np.ndarray) -> Answers:
    """Ask the rows of *data* at *places*; those at *known* are refused, as is known already.

    All at once, and where that raises, halves and quarters, until each row that is refused is known.
    """
    budget = _MOST_HALVINGS
    answered: list[np.ndarray] = []
    values: list[np.ndarray] = []
    refused: list[int] = known.tolist()
    waiting = [places] if len(places) else []
    while waiting:
        places = waiting.pop()
        budget -= 1
        try:
            values.append(np.asarray(ask(part(data, places))))
            answered.append(places)
        except Exception:  # noqa: BLE001 - whatever a model raises is its refusal
            if len(places) == 1 or budget <= 0:
                refused += places.tolist()
            else:
                middle = len(places) // 2
                waiting += [places[middle:], places[:middle]]
    return Answers(
        np.concatenate(answered) if answered else np.zeros(0, dtype=np.int64),
        np.array(refused, dtype=np.int64),
        np.concatenate(values) if values else None,
    )


class Comparison:
    """Collects, for one method, how far the form under test is from the native model."""

    def __init__(self, method: str, tolerance: float, floor: float = FLOOR) -> None:
        self._method = method
        self._tolerance = tolerance
        self._floor = floor
        self._scale = 0.0
        self._report = MethodReport(certified=True)
        self._failed = False

    @property
    def failed(self) -> bool:
        """Whether something was found that rules the form out."""
        return self._failed

    @property
    def report(self) -> MethodReport:
        """What was found so far."""
        return self._report

    def measure(self, native: np.ndarray) -> None:
        """Take *native*, answers to ordinary rows, for what numbers the method gives."""
        if native.dtype.kind == "f":
            finite = np.abs(native[np.isfinite(native)])
            self._scale = max(self._scale, float(finite.max(initial=0.0)))

    def fail(self, reason: str, *, kind: str = "", row: dict[str, Any] | None = None) -> None:
        """Rule the form out for *reason*."""
        if not self._failed:
            self._change(certified=False, reason=reason, kind=kind, row=row)
        self._failed = True

    def compare(self, native: np.ndarray, other: np.ndarray, data: Table | np.ndarray, kind: str) -> None:
        """Hold *other* against *native*, the answers to the rows of *data*."""
        if native.shape != other.shape or native.dtype != other.dtype:
            answered = (
                f"{native.dtype} {list(native.shape[1:])}, the form {other.dtype} {list(other.shape[1:])}"
            )
            self.fail(f"the native model answers {answered}", kind=kind)
            return
        self._change(compared=self._report.compared + len(native))
        if native.dtype.kind != "f":
            self._labels(native, other, data, kind)
        else:
            self._numbers(native, other, data, kind)

    def _labels(self, native: np.ndarray, other: np.ndarray, data: Table | np.ndarray, kind: str) -> None:
        differs = np.asarray(native != other).reshape(len(native), -1).any(axis=1)
        if not differs.any():
            return
        row = int(np.argmax(differs))
        self._change(differing=self._report.differing + int(differs.sum()), worst=float("inf"))
        if not self._failed:
            self._note(native, other, data, row, kind)
        self.fail("labels differ", kind=kind, row=row_values(data, row))

    def _numbers(self, native: np.ndarray, other: np.ndarray, data: Table | np.ndarray, kind: str) -> None:
        floor = self._floor * self._scale
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            apart = np.abs(native - other)
            same = (native == other) | (np.isnan(native) & np.isnan(other))
            beyond = np.maximum(apart - floor, 0.0)
            relative = np.where(same, 0.0, np.where(beyond == 0, 0.0, beyond / np.abs(native)))
        relative = np.where(np.isnan(relative), np.inf, relative).reshape(len(native), -1)
        by_row = relative.max(axis=1, initial=0.0)
        row = int(np.argmax(by_row))
        self._change(floor=floor)
        if by_row[row] > self._report.worst and not self._failed:
            self._change(worst=float(by_row[row]))
            self._note(native, other, data, row, kind)
        wrong = by_row > self._tolerance
        if wrong.any():
            self._change(differing=self._report.differing + int(wrong.sum()))
            self.fail("numbers differ", kind=kind, row=row_values(data, row))

    def _note(
        self, native: np.ndarray, other: np.ndarray, data: Table | np.ndarray, row: int, kind: str
    ) -> None:
        said = {"native": _said(native[row]), "onnx": _said(other[row])}
        self._change(kind=kind, row=row_values(data, row), **said)

    def _change(self, **changes: Any) -> None:
        kept = {name: getattr(self._report, name) for name in MethodReport.__slots__}
        self._report = MethodReport(**{**kept, **changes})


def row_values(data: Table | np.ndarray, row: int) -> dict[str, Any]:
    """Row *row* of *data* by column, in values that JSON has; floats as text, exactly."""
    return {str(name): _plain(value) for name, value in _cells(data, row)}


def _cells(data: Table | np.ndarray, row: int) -> Iterator[tuple[str | int, Any]]:
    if isinstance(data, Table):
        for name, column in data.columns.items():
            yield name, column[row]
    else:
        yield from enumerate(data[row].tolist())


def _plain(value: Any) -> Any:
    if value is None or value is np.ma.masked:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, float) else value


def _said(answer: Any) -> str:
    return ", ".join(str(one) for one in np.ravel(answer)[:8].tolist())
