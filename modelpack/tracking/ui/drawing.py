"""Plots of several runs as points and lines: where things go in a picture, in its own units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.report.scale import Axis

WIDTH: Final = 1080.0
HEIGHT: Final = 340.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 16.0, 40.0
AXIS_TOP: Final = 44.0
"""Room for the names above upright axes."""


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
