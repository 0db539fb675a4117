"""Plots of several runs as points and lines: where things go in a picture, in its own units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.tracking.ui.telling import number

WIDTH: Final = 1080.0
HEIGHT: Final = 340.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 16.0, 40.0
AXIS_TOP: Final = 44.0
"""Room for the names above upright axes."""

_TICKS: Final = 5
_LONGEST_LABEL: Final = 12


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: *at* in the picture's units."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from *low* to *high* in the picture's units; texts have *places* on it, in order."""

    name: str
    low: float
    high: float
    least: float = 0.0
    most: float = 1.0
    places: tuple[str, ...] = ()
    ticks: tuple[Tick, ...] = ()

    @classmethod
    def over(cls, name: str, values: Sequence[str | float | None], low: float, high: float) -> "Axis":
        """The scale on which all of *values* have a place: numbers by size, else texts in order."""
        numbers = [found for value in values if (found := as_number(value)) is not None]
        given = [value for value in values if value is not None]
        if given and len(numbers) == len(given):
            return cls._of_numbers(name, numbers, low, high)
        texts = tuple(sorted({str(value) for value in given}))
        bare = cls(name, low, high, places=texts)
        every = max(1, math.ceil(len(texts) / 8))
        ticks = tuple(Tick(bare._place_of(text), _cut(text)) for text in texts[::every])
        return cls(name, low, high, places=texts, ticks=ticks)

    @classmethod
    def _of_numbers(cls, name: str, numbers: Sequence[float], low: float, high: float) -> "Axis":
        least, most = min(numbers), max(numbers)
        if least == most:
            margin = abs(least) * 0.1 or 1.0
            least, most = least - margin, most + margin
        bare = cls(name, low, high, least, most)
        ticks = tuple(Tick(bare._at(value), number(value)) for value in nice(least, most))
        return cls(name, low, high, least, most, ticks=ticks)

    def at(self, value: str | float | None) -> float | None:
        """Where *value* is; None for what has no place."""
        if value is None:
            return None
        if self.places:
            return self._place_of(str(value))
        found = as_number(value)
        return None if found is None else self._at(found)

    def _at(self, value: float) -> float:
        return round(self.low + (self.high - self.low) * (value - self.least) / (self.most - self.least), 1)

    def _place_of(self, text: str) -> float:
        share = (self.places.index(text) + 0.5) / len(self.places)
        return round(self.low + (self.high - self.low) * share, 1)


@dataclass(frozen=True, slots=True)
class Dot:
    """A run in a scatter plot; *number* says which run it is."""

    number: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """Runs by two of their values."""

    x: Axis
    y: Axis
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Upright:
    """An upright axis at *x*."""

    x: float
    axis: Axis


@dataclass(frozen=True, slots=True)
class Line:
    """A run across upright axes; *points* are an SVG polyline's, in pieces where it has no value."""

    number: int
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """Runs across upright axes, one for each of their values."""

    axes: tuple[Upright, ...]
    lines: tuple[Line, ...]
    width: float


def as_number(value: str | float | None) -> float | None:
    """*value* as a number; None for what is none, or none that can be drawn."""
    if value is None:
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) < 1e300 else None


def nice(least: float, most: float) -> list[float]:
    """Round numbers from *least* to *most*, a handful."""
    span = most - least
    rough = span / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(one * magnitude for one in (1.0, 2.0, 2.5, 5.0, 10.0) if one * magnitude >= rough * 0.999)
    first = math.ceil(least / step - 1e-9)
    last = math.floor(most / step + 1e-9)
    return [count * step for count in range(first, last + 1)]


def scatter(
    x: tuple[str, Sequence[str | float | None]], y: tuple[str, Sequence[str | float | None]]
) -> Scatter:
    """The plot of two named columns of values, one for each run."""
    across = Axis.over(*x, LEFT + 12, WIDTH - RIGHT - 12)
    up = Axis.over(*y, HEIGHT - BOTTOM - 12, TOP + 12)
    placed = [(across.at(one), up.at(other)) for one, other in zip(x[1], y[1], strict=True)]
    dots = [Dot(number, a, b) for number, (a, b) in enumerate(placed) if a is not None and b is not None]
    return Scatter(across, up, tuple(dots))


def parallel(columns: Sequence[tuple[str, Sequence[str | float | None]]], runs: int) -> Parallel:
    """The plot of named *columns* of values, each with one for each of so many *runs*."""
    gap = max(110.0, (WIDTH - 2 * LEFT) / max(1, len(columns) - 1))
    axes = tuple(
        Upright(round(LEFT + place * gap, 1), Axis.over(name, values, HEIGHT - BOTTOM, AXIS_TOP))
        for place, (name, values) in enumerate(columns)
    )
    lines = []
    for run in range(runs):
        points = [(one.x, one.axis.at(values[run])) for one, (_, values) in zip(axes, columns, strict=True)]
        lines.append(Line(run, tuple(_pieces(points))))
    return Parallel(axes, tuple(lines), 2 * LEFT + gap * max(1, len(columns) - 1))


def _pieces(points: Sequence[tuple[float, float | None]]) -> list[str]:
    pieces: list[list[str]] = [[]]
    for x, y in points:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{x},{y}")
    return [" ".join(piece) for piece in pieces if piece]


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
