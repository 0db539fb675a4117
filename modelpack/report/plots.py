"""Plots as pictures in a page: bars beside their names, and curves over a row of numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

from modelpack.report.numbers import number
from modelpack.report.page import Html, table, text
from modelpack.report.scale import Axis, as_number

WIDTH: Final = 420.0
HEIGHT: Final = 260.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 12.0, 40.0

_STEEP: Final = 20.0
"""Between the least and the greatest of what is drawn by factors, and not by amounts."""


def bars(
    title: str, headings: tuple[str, str], values: Sequence[tuple[str, float]], *, longest: int = 120
) -> str:
    """*values* by name, a bar for each: a table, so that it can be read without seeing it.

    Bars of numbers below 0 go to the left.
    """
    drawn = [as_number(value) or 0.0 for _, value in values]
    # What is beyond every number has no bar.
    least, most = min(0.0, *drawn), max(0.0, *drawn)
    span = (most - least) or 1.0
    rows = (
        (name, _rounded(value), _bar((min(0.0, width) - least) / span, abs(width) / span, -least / span))
        for (name, value), width in zip(values, drawn, strict=True)
    )
    return table(title, (*headings, "Bar"), rows, numeric={1}, longest=longest, look="bars")


def _rounded(value: float) -> str:
    """Four digits, which is more than a bar shows."""
    return number(float(f"{value:.4g}"))


def _bar(start: float, width: float, zero: float) -> Html:
    base = f'<path class="base" d="M{zero * 100:.2f} 0V10"/>' if zero else ""
    return Html(
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar-of" x="{start * 100:.2f}" y="1" width="{width * 100:.2f}" height="8"/>{base}</svg>'
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """*points* from left to right; those of one *color* (from 0) belong together, and differ by *dash*."""

    name: str
    points: tuple[tuple[float, float], ...]
    color: int = 0
    dash: int = 0


def curves(title: str, found: Sequence[Curve], *, across: str, up: str, told: str) -> str:
    """*found* over numbers above 0 that grow by factors; *told* says in a sentence what is to be seen.

    *across* and *up* name the axes.
    """
    places = sorted({x for one in found for x, _ in one.points})
    heights = [y for one in found for _, y in one.points]
    if not places:
        return f'<figure><figcaption>{text(title)}</figcaption><p class="quiet">{text(told)}</p></figure>'
    every = -(-len(places) // 8)
    x = Axis.by_factors(across, places, LEFT + 6, WIDTH - RIGHT - 6, marks=places[::every])
    y = _upright(up, heights)
    drawn = "".join(_curve(one, x, y) for one in found)
    scale = ", by factors" if y.logarithmic else ""
    return (
        f'<figure><figcaption>{text(title)}<span class="quiet">{scale}</span></figcaption>'
        f'<svg class="plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{text(told)}">'
        f"{_grid(x, y)}{drawn}</svg>{_legend(found)}</figure>"
    )


def _upright(name: str, heights: Sequence[float]) -> Axis:
    if min(heights) > 0 and max(heights) / min(heights) > _STEEP:
        return Axis.by_factors(name, heights, HEIGHT - BOTTOM, TOP)
    return Axis.over(name, [0.0, *heights], HEIGHT - BOTTOM, TOP)


def _grid(x: Axis, y: Axis) -> str:
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
    lines = "".join(
        f'<path class="grid" d="M{LEFT:g} {tick.at:g}H{right:g}"/>'
        f'<text x="{LEFT - 6:g}" y="{tick.at + 4:g}" text-anchor="end">{escape(tick.label)}</text>'
        for tick in y.ticks
    )
    marks = "".join(
        f'<text x="{tick.at:g}" y="{floor + 16:g}" text-anchor="middle">{escape(tick.label)}</text>'
        for tick in x.ticks
    )
    base = f'<path class="base" d="M{LEFT:g} {floor:g}H{right:g}"/>'
    middle = (LEFT + right) / 2
    named = f'<text x="{middle:g}" y="{HEIGHT - 6:g}" text-anchor="middle">{text(x.name)}</text>'
    return f'<g aria-hidden="true">{lines}{base}{marks}{named}</g>'


def _curve(one: Curve, x: Axis, y: Axis) -> str:
    placed = [(x.at(a), y.at(b), a, b) for a, b in one.points]
    spots = [(a, b, at, value) for a, b, at, value in placed if a is not None and b is not None]
    line = " ".join(f"{a:g},{b:g}" for a, b, _, _ in spots)
    dots = "".join(
        f'<circle cx="{a:g}" cy="{b:g}" r="2.5"><title>{text(one.name)}: {number(value)} '
        f"at {number(at)}</title></circle>"
        for a, b, at, value in spots
    )
    return f'<g class="c{one.color % 4} d{one.dash % 3}"><polyline points="{line}"/>{dots}</g>'


def _legend(found: Iterable[Curve]) -> str:
    """The names of curves beside a piece of each, those of one color in a line."""
    lines = (
        "".join(
            f'<span><svg class="key" viewBox="0 0 28 8" aria-hidden="true"><g class="c{one.color % 4} '
            f'd{one.dash % 3}"><path d="M1 4H27"/></g></svg> {text(one.name)}</span>'
            for one in group
        )
        for _, group in groupby(found, key=lambda one: one.color)
    )
    return f'<p class="legend">{"<br>".join(lines)}</p>'
